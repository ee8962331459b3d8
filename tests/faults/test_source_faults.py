"""A fault at any request of a fetch: what passes is survived without a trace, what stays ends cleanly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from tests.conftest import Cases, MakeSettings, Serve

from ame_warehouse.errors import SourceError
from ame_warehouse.landing.index import fetch_dir
from ame_warehouse.landing.store import fetch_ids, read_fetch, read_requests
from ame_warehouse.pipeline.ingest import fetch_kolada, parse_landing
from ame_warehouse.sample.dataset import Dataset
from ame_warehouse.sample.faults import Fault
from ame_warehouse.sample.server import KoladaServer
from ame_warehouse.settings import Settings

KPIS = ["N01951", "N40011", "U40800"]
PLACES = ["G96190", "G92793"]  # two chunks of places
PER_PAGE = 100
FIRST_DATA = 8
LONGEST = 12  # requests of an undisturbed fetch, see the first test
PASSING = {
    "reset": {},
    "stall": {"seconds": 2.0},
    "truncate": {},
    "chunk_abort": {},
    "html": {},
    "not_json": {},
    "envelope": {},
    "latin1": {},
    "500": {"kind": "status", "status": 500},
    "429": {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
}


def values(settings: Settings, fetch_id: str) -> list[tuple[Any, ...]]:
    path = fetch_dir(settings.observations, fetch_id) / "observations.parquet"
    sql = f"select kpi_id, municipality_id, year, gender, value, status from '{path}' order by all"
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def run(settings: Settings) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    result = fetch_kolada(settings, KPIS, PLACES, None)
    parse_landing(settings, result["fetch_ids"])
    return result, values(settings, result["fetch_ids"][0])


@pytest.fixture
def live(make_settings: MakeSettings) -> Callable[..., Settings]:
    def make(server: KoladaServer, **changes: Any) -> Settings:
        return make_settings(
            **{"sources": "live", "kolada_url": server.url(), "kolada_connections": 1} | changes
        )

    return make


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """What arrives when nothing fails."""
    from ame_warehouse.sample.synthetic import live_like

    plain = Settings(_env_file=None)
    with KoladaServer(live_like(plain, kpi_ids=KPIS, years=(2021, 2022)), per_page=PER_PAGE) as server:
        settings = Settings(
            _env_file=None,
            home=tmp_path_factory.mktemp("undisturbed"),
            sources="live",
            kolada_url=server.url(),
            kolada_rps=100_000,
        )
        _, expected = run(settings)
        assert len(server.requests) == LONGEST
    assert len(expected) > 300
    return expected


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_leaves_no_trace_wherever_it_strikes(
    *,
    name: str,
    small: Dataset,
    serve: Serve,
    live: Callable[..., Settings],
    undisturbed: list[tuple[Any, ...]],
    cases: Cases,
) -> None:
    details: dict[str, Any] = {"kind": name} | PASSING[name]
    first_tries = range(1, 2 * LONGEST, 2)  # each request of the fetch fails once and is tried again
    server = serve(small, Fault(at=first_tries, **details), per_page=PER_PAGE)
    settings = live(server, kolada_timeout=1.0 if name == "stall" else 5)
    result, found = run(settings)
    assert result["measures"] == {"complete": 3}
    assert server.faults[0].hits == LONGEST
    cases.add(LONGEST)
    records = list(read_requests(settings.landing, result["fetch_ids"][0]))
    assert [(one["attempts"], one["error"], one["status"]) for one in records] == [(2, None, 200)] * LONGEST
    assert found == undisturbed


@pytest.mark.parametrize("kind", ["oversize", "redirect"])  # the others: test_fault_matrix.py
def test_a_fault_of_one_page_never_changes_a_value(
    *,
    kind: str,
    small: Dataset,
    serve: Serve,
    live: Callable[..., Settings],
    undisturbed: list[tuple[Any, ...]],
) -> None:
    """A measure either has all its values, or it failed; none is wrong or lacks one."""
    home = None
    for position in range(FIRST_DATA, LONGEST + 1):
        fault = Fault(kind, at={position}, location="http://kolada.invalid/", size=2_000_000)
        server = serve(small, per_page=PER_PAGE)
        settings = live(server, kolada_max_mb=1)
        if home is None:
            run(settings)  # what we hold from before shows an empty answer for what it is
            home = settings.home
        server = serve(small, fault, per_page=PER_PAGE)
        settings = live(server, kolada_max_mb=1)
        result = fetch_kolada(settings, KPIS, PLACES, None)
        parse_landing(settings, result["fetch_ids"])
        record = read_fetch(settings.landing, result["fetch_ids"][0])
        path = fetch_dir(settings.observations, record["fetch_id"]) / "measures.parquet"
        sql = f"""
            select kpi_id, n_values, content_fetch_id = fetch_id from '{path}'
            where outcome = 'complete'
        """
        with duckdb.connect() as connection:
            complete = connection.execute(sql).fetchall()
        expected = {kpi: sum(row[0] == kpi and row[4] is not None for row in undisturbed) for kpi in KPIS}
        assert fault.hits == 1
        assert [(kpi, number) for kpi, number, _ in complete] == [
            (kpi, expected[kpi]) for kpi, _, _ in complete
        ], position
        assert not any(is_new for *_, is_new in complete), "no other content was taken for true"
        assert len(complete) >= 2


def test_stalls_and_drips_end_in_time(
    small: Dataset, serve: Serve, live: Callable[..., Settings], undisturbed: list[tuple[Any, ...]]
) -> None:
    for kind, position in (("stall", 1), ("stall", 8), ("drip", 5)):
        server = serve(small, Fault(kind, at={position}), per_page=PER_PAGE)
        settings = live(server, kolada_timeout=1.0)
        result = fetch_kolada(settings, KPIS, PLACES, None)
        assert result["measures"] == {"complete": 3}
        assert server.faults[0].hits == 1


@pytest.mark.parametrize("name", ["reset", "html", "500", "429"])
def test_a_source_that_fails_from_some_request_on_never_gives_a_half_measure(
    *,
    name: str,
    small: Dataset,
    serve: Serve,
    live: Callable[..., Settings],
    undisturbed: list[tuple[Any, ...]],
) -> None:
    details: dict[str, Any] = {"kind": name} | PASSING[name]
    for position in (1, 3, 8, 11):
        server = serve(small, Fault(at=range(position, 10_000), **details), per_page=PER_PAGE)
        settings = live(server, kolada_attempts=2)
        with pytest.raises(SourceError) as caught:
            fetch_kolada(settings, KPIS, PLACES, None)
        assert caught.value.action
        assert caught.value.source
        assert fetch_ids(settings.landing) == []


def test_the_catalogue_may_change_between_its_pages(
    small: Dataset, serve: Serve, live: Callable[..., Settings]
) -> None:
    server = serve(small, Fault("shift", match="/kpi?", page=2, times=1), per_page=50)
    settings = live(server)
    result = fetch_kolada(settings, ["U40800"], ["1480"], None)
    record = read_fetch(settings.landing, result["fetch_ids"][0])
    assert result["measures"] == {"complete": 1}
    assert len(record["catalogue_objects"]) == 3
    assert [one["kind"] for one in record["findings"]] == ["page_set"]


def test_many_threads_and_scattered_faults(
    small: Dataset, serve: Serve, live: Callable[..., Settings], undisturbed: list[tuple[Any, ...]]
) -> None:
    faults = [
        Fault("reset", at=range(3, 400, 7)),
        Fault("status", status=503, at=range(5, 400, 11)),
        Fault("truncate", at=range(6, 400, 13)),
    ]
    server = serve(small, *faults, per_page=20)
    settings = live(server, kolada_connections=8, kolada_attempts=6)
    result, found = run(settings)
    assert result["measures"] == {"complete": 3}
    assert found == undisturbed
