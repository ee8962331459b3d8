"""One fetch: what is asked, what is kept, what fails and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kolada_calls import KPIS, errors, fetch, outcomes
from tests.conftest import MakeSettings, Serve

from ame_warehouse.errors import LandingError, SettingsError
from ame_warehouse.landing.index import fetch_dir
from ame_warehouse.landing.store import fetch_ids, read_fetch, read_requests
from ame_warehouse.pipeline.ingest import fetch_kolada, parse_landing
from ame_warehouse.sample.dataset import Dataset
from ame_warehouse.sample.faults import Fault


def test_a_whole_fetch(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    server = serve(small)
    settings = make_settings(sources="live", kolada_url=server.url())
    seen: list[tuple[int, int, str]] = []
    result = fetch_kolada(settings, KPIS, None, None, progress=lambda *step: seen.append(step))
    assert result["measures"] == {"complete": 4}
    assert result["requests"] == len(server.requests) == 3 + 13 + 1  # and the means of the groups
    assert seen[-1] == (16, 16, "Kolada")
    record = read_fetch(settings.landing, result["fetch_ids"][0])
    assert record["mode"] == "live"
    assert record["years"] is None
    assert len(record["municipality_ids"]) == 312
    assert {one["kpi_id"]: one["n_records"] for one in record["measures"]} == {
        "N01951": 291 * 2,
        "N40011": 291 * 2,
        "U40800": 290 * 2,
        "U40806": 290 * 2,
    }
    assert all("page=1&per_page=5000" in target for target in server.requests)
    places, means = server.requests[3:-1], server.requests[-1]
    assert not any("G" in target.split("?")[0] for target in places)
    assert means.startswith("/v3/data/kpi/N01951,N40011,U40800,U40806/municipality/G")
    assert parse_landing(settings, result["fetch_ids"])["observations"] > 4 * 290 * 2


def test_every_request_has_an_outcome_record(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    record = fetch(settings, ["U40800"], places=["1480"], years=[2021, 2022])
    lines = list(read_requests(settings.landing, record["fetch_id"]))
    assert [line["n"] for line in lines] == [1, 2, 3, 4, 5]
    last = lines[-2]
    assert last["url"].endswith("/data/kpi/U40800/municipality/0000,1480/year/2021,2022")
    assert last["params"] == {"page": 1, "per_page": 5000}
    assert (last["status"], last["attempts"], last["error"], last["page"]) == (200, 1, None, 1)
    assert last["kpi_ids"] == ["U40800"]
    assert last["municipality_ids"] == ["0000", "1480"]
    assert last["headers"]["content-type"].startswith("application/json")
    assert {"started_at", "duration_s", "bytes", "sha256"} <= set(last)
    assert record["measures"][0]["objects"] == [last["sha256"]]


def test_many_pages_are_followed_by_number(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    plain = fetch(make_settings(sources="live", kolada_url=serve(small).url()), years=[2022])
    server = serve(small, Fault("next_host"), Fault("count_total"), per_page=17)
    settings = make_settings(sources="live", kolada_url=server.url())
    paged = fetch(settings, years=[2022])
    assert [(one["kpi_id"], one["outcome"], one["n_records"]) for one in paged["measures"]] == [
        (one["kpi_id"], one["outcome"], one["n_records"]) for one in plain["measures"]
    ]
    assert any("page=6" in target for target in server.requests)
    assert len(paged["measures"][0]["objects"]) == len(set(paged["measures"][0]["objects"])) > 13


def test_years_are_asked_in_chunks(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    server = serve(small)
    settings = make_settings(sources="live", kolada_url=server.url())
    record = fetch(settings, ["U40800"], places=["1480"], years=list(range(1990, 2023)))
    spans = [target.split("/year/")[1].split("?")[0] for target in server.requests if "/year/" in target]
    assert sorted(len(span.split(",")) for span in spans) == [8, 8, 25, 25]
    assert record["measures"][0]["n_records"] == 2


def test_unknown_ids_are_told_apart(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    small.kpis = [one for one in small.kpis if one["id"] != "U40803"]
    small.drop("N40011")
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    result = fetch_kolada(settings, ["U40800", "U40803", "N40011", "N00988"], None, None)
    assert result["measures"] == {"complete": 1, "empty": 1, "retired": 1, "unknown_id": 1}
    record = read_fetch(settings.landing, result["fetch_ids"][0])
    assert outcomes(record) == {
        "N00988": "retired",
        "N40011": "empty",
        "U40800": "complete",
        "U40803": "unknown_id",
    }
    assert "does not list this KPI" in errors(record)["U40803"]


def test_measure_ids_select_kpis(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    assert outcomes(fetch(settings, ["ame_participants_total"])) == {"U40800": "complete"}
    for measures, places, years in (
        (["nonsense"], None, None),
        (None, ["9999"], None),
        (None, None, [22]),
    ):
        with pytest.raises(SettingsError):
            fetch_kolada(settings, measures, places, years)
    assert len(fetch_ids(settings.landing)) == 1


def test_groups_and_municipalities_may_lack(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(
        small,
        Fault("status", match="/municipality?", status=404),
        Fault("html", match="/municipality_groups"),
    )
    settings = make_settings(sources="live", kolada_url=server.url())
    record = fetch(settings)
    assert set(outcomes(record).values()) == {"complete"}
    assert record["place_objects"] == record["group_objects"] == []
    assert [(one["kind"], one["severity"]) for one in record["findings"]] == [
        ("place_drift", "warning"),
        ("group_drift", "warning"),
    ]
    assert "404" in record["findings"][0]["detail"]


def test_the_sample_is_fetched_vintage_by_vintage(make_settings: MakeSettings) -> None:
    settings = make_settings(kolada_url="http://127.0.0.1:9/v3")
    result = fetch_kolada(settings, ["U40800", "U40806", "N01951"], ["G96190", "G33629"], None)
    records = [read_fetch(settings.landing, one) for one in result["fetch_ids"]]
    assert [one["vintage"] for one in records] == ["2023-06-04", "2023-07-07", "2024-01-31"]
    assert [one["fetched_at"][:19] for one in records] == [f"{one['vintage']}T00:00:00" for one in records]
    assert {one["mode"] for one in records} == {"sample"}
    assert result["measures"] == {"complete": 3}
    first = parse_landing(settings, result["fetch_ids"])
    again = fetch_kolada(settings, ["U40800", "U40806", "N01951"], ["G96190", "G33629"], None)
    second = parse_landing(settings, again["fetch_ids"])
    assert first["observations"] > 0
    assert (second["observations"], second["unchanged"]) == (0, 9)


def test_a_home_that_cannot_be_written_is_named(
    make_settings: MakeSettings, small: Dataset, serve: Serve, tmp_path: Path
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    settings = make_settings(sources="live", kolada_url=serve(small).url(), home=blocker / "home")
    with pytest.raises(LandingError) as caught:
        fetch(settings)
    assert str(blocker) in str(caught.value)
    assert "AME_HOME" in str(caught.value)


def test_a_full_disk_ends_the_fetch_readably(
    make_settings: MakeSettings, small: Dataset, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import os

    settings = make_settings(sources="live", kolada_url=serve(small).url())

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ame_warehouse.landing.store.os.fsync", full)
    with pytest.raises(LandingError, match="No space left") as caught:
        fetch(settings)
    assert "free space" in str(caught.value)
    assert fetch_ids(settings.landing) == []


def test_leftovers_of_a_killed_fetch_are_never_used_and_removed(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    left = settings.landing / "kolada" / ".partial-20200101T000000000000Z-abcdef"
    left.mkdir(parents=True)
    (left / "fetch.json").write_text(json.dumps({"fetch_id": "x"}))
    assert fetch_ids(settings.landing) == []
    record = fetch(settings, ["U40800"], places=["1480"])
    assert fetch_ids(settings.landing) == [record["fetch_id"]]
    assert not left.exists()


def test_a_fetch_that_was_not_parsed_is_parsed_by_the_next(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    first = fetch(settings, ["U40800"], places=["1480"])
    assert not fetch_dir(settings.observations, first["fetch_id"]).exists()
    fetch(settings, ["U40800"], places=["1480"])
    assert fetch_dir(settings.observations, first["fetch_id"]).exists()
