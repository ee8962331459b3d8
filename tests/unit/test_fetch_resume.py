"""A fetch that is killed goes on where it stopped: what has landed is not asked for again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import MakeSettings, Serve

from ame_warehouse.errors import SourceError
from ame_warehouse.landing import resume, store
from ame_warehouse.landing.index import fetch_dir
from ame_warehouse.landing.store import fetch_ids, read_fetch, read_requests
from ame_warehouse.pipeline.ingest import fetch_kolada, parse_landing
from ame_warehouse.sample.dataset import Dataset
from ame_warehouse.settings import Settings

KPIS = ["U40800", "U40806", "N01951"]


def killed(settings: Settings, after: int, years: list[int] | None = None) -> None:
    """Fetch, and end as a killed process does when so many requests have been made."""

    def stop(done: int, _total: int, _label: str) -> None:
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_kolada(settings, KPIS, None, years, progress=stop)


def partials(settings: Settings) -> list[Path]:
    return sorted((settings.landing / "kolada").glob(".partial-*"))


def content(settings: Settings, fetch_id: str) -> list[Any]:
    path = fetch_dir(settings.observations, fetch_id) / "observations.parquet"
    with duckdb.connect() as con:
        rows = f"read_parquet('{path}', hive_partitioning = false)"
        return con.execute(f"select * exclude (fetch_id) from {rows} order by all").fetchall()


@pytest.mark.parametrize("after", [3, 6, 11])
def test_what_has_landed_is_not_asked_again(
    after: int, make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small)
    whole = make_settings(sources="live", kolada_url=server.url(), kolada_connections=1)
    undisturbed = fetch_kolada(whole, KPIS, None, None)
    parse_landing(whole, undisturbed["fetch_ids"])
    asked = list(server.requests)

    settings = Settings(_env_file=None, **(whole.model_dump() | {"home": whole.home.with_name("killed")}))
    server.requests.clear()
    killed(settings, after)
    before = list(server.requests)
    (left,) = partials(settings)
    with (left / "requests.jsonl").open("a") as log:
        log.write('{"n": 99, "url": "http')  # the line that was being written
    server.requests.clear()
    done = fetch_kolada(settings, KPIS, None, None)
    assert sorted(before + server.requests) == sorted(asked), "each request once, before or after"
    assert len(before) >= after
    (fetch_id,) = done["fetch_ids"]
    assert left.name == f".partial-{fetch_id}", "its id, and its time of knowledge, stay"
    assert partials(settings) == []
    assert len(list(read_requests(settings.landing, fetch_id))) == len(asked) == done["requests"]
    parse_landing(settings, [fetch_id])
    assert content(settings, fetch_id) == content(whole, undisturbed["fetch_ids"][0])
    assert (
        read_fetch(settings.landing, fetch_id)["measures"]
        == (read_fetch(whole.landing, undisturbed["fetch_ids"][0])["measures"])
    )


def test_one_that_is_killed_again_while_it_is_taken_over_loses_nothing(
    make_settings: MakeSettings, small: Dataset, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url(), kolada_connections=1)
    killed(settings, after=6)
    (left,) = partials(settings)
    with (left / "requests.jsonl").open("a") as log:
        log.write('{"n": 99, "error": "a line separator \u2028 within"}\n{"n": 100, "cut')
    before = resume.whole_records(left / "requests.jsonl")
    assert [one["n"] for one in before][-1] == 99

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("write_whole", "_line"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(store, name, die)
            fetch_kolada(settings, KPIS, None, None)
        assert resume.whole_records(left / "requests.jsonl") == before
    fetch_kolada(settings, KPIS, None, None)
    assert partials(settings) == []


def test_only_the_same_order_goes_on(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    server = serve(small)
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_connections=1)
    killed(settings, 5)
    (left,) = partials(settings)
    fetch_kolada(settings, KPIS, None, [2021])
    assert partials(settings) == [left], "another order leaves it alone"
    fetch_kolada(settings, KPIS, None, None)
    assert len(fetch_ids(settings.landing)) == 2
    assert not left.exists(), "another fetch has finished since: it is begun anew"


def test_an_old_one_is_begun_anew(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    server = serve(small)
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_connections=1)
    killed(settings, 5)
    (left,) = partials(settings)
    order = json.loads((left / "order.json").read_text())
    order["started_at"] = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    (left / "order.json").write_text(json.dumps(order))
    assert resume.resumable(settings.landing) == set()
    done = fetch_kolada(settings, KPIS, None, None)
    assert not left.exists()
    assert left.name != f".partial-{done['fetch_ids'][0]}"


def test_a_damaged_answer_is_asked_again(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    server = serve(small)
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_connections=1)
    killed(settings, 6)
    for path in (settings.landing / "objects").rglob("*.zst"):
        path.write_bytes(b"cut")
    server.requests.clear()
    for path in (settings.landing / "objects").rglob("*.zst"):
        path.unlink()
    done = fetch_kolada(settings, KPIS, None, None)
    assert done["measures"] == {"complete": 3}
    assert len(server.requests) > 6


def test_an_answer_that_was_no_use_is_not_used_again(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small)
    settings = make_settings(sources="live", kolada_url=server.url())
    kpis, small.kpis = small.kpis, []
    with pytest.raises(SourceError, match="catalogue"):
        fetch_kolada(settings, KPIS, None, None)
    small.kpis = kpis
    assert fetch_kolada(settings, KPIS, None, None)["measures"] == {"complete": 3}


def test_a_whole_fetch_whose_run_ended_before_it_was_read_is_used(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small)
    settings = make_settings(sources="live", kolada_url=server.url())
    first = fetch_kolada(settings, KPIS, None, None)
    server.requests.clear()
    again = fetch_kolada(settings, KPIS, None, None, go_on=True)
    assert again["fetch_ids"] == first["fetch_ids"]
    assert server.requests == []
    parse_landing(settings, again["fetch_ids"])
    third = fetch_kolada(settings, KPIS, None, None, go_on=True)
    assert third["fetch_ids"] != first["fetch_ids"]


def test_the_vintages_of_the_sample_that_have_landed_are_not_asked_again(make_settings: MakeSettings) -> None:
    settings = make_settings()
    seen: list[int] = []

    def stop(done: int, _total: int, label: str) -> None:
        seen.append(done)
        if label.endswith("2024-01-31") and done > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_kolada(settings, KPIS, ["1480"], None, progress=stop)
    landed = fetch_ids(settings.landing)
    assert len(landed) == 2
    done = fetch_kolada(settings, KPIS, ["1480"], None, go_on=True)
    assert done["fetch_ids"][:2] == landed
    assert len(fetch_ids(settings.landing)) == 3
