"""Every fault at every request of a fetch, once and for good: no value is lost, withdrawn or invented.

Before the fault strikes, an undisturbed fetch has been parsed. Afterwards each measure either has the same
content as before, or it failed and its last values stay in force.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import Cases
from tests.reliability.cases import IS_FULL

from ame_warehouse.errors import SourceError
from ame_warehouse.landing.index import fetch_dir
from ame_warehouse.landing.store import fetch_ids
from ame_warehouse.pipeline.ingest import fetch_kolada, parse_landing
from ame_warehouse.sample.dataset import Dataset
from ame_warehouse.sample.faults import Fault
from ame_warehouse.sample.server import KoladaServer
from ame_warehouse.sample.synthetic import live_like
from ame_warehouse.settings import Settings

KPIS = ["N01951", "N40011", "U40800"]
PLACES = ["G96190", "G92793"]  # two chunks of places
PER_PAGE = 100
REQUESTS = 12  # of an undisturbed fetch: catalogue 2, places 4, groups 1, data 2 × 2 pages, group means 1
BREAKS: dict[str, dict[str, Any]] = {  # the answer does not come, or is none: another attempt helps
    "reset": {},
    "stall": {"seconds": 5.0},
    "truncate": {},
    "chunk_abort": {},
    "html": {},
    "not_json": {},
    "envelope": {},
    "latin1": {},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "429": {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
    "404": {"kind": "status", "status": 404},
}
PAGES: dict[str, dict[str, Any]] = {  # an answer that can be read, and is not what it should be
    "repeat_page": {},
    "skip_page": {},
    "reorder": {},
    "shift": {},
    "empty": {},
    "count_wrong": {},
}
ALL_COMPLETE = dict.fromkeys(KPIS, "complete")
# Without the first page of the catalogue, its only answer, one cannot know that there were more measures.
KEPT_OUT = {
    ("skip_page", 1): {"N01951": "unknown_id", "N40011": "unknown_id", "U40800": "complete"},
    ("empty", 1): {},
}
CATALOGUE, FIRST_DATA = (1, 2), 8
# In the short form without those that look the same to the client as another. A record that is gone for good
# (`shift`) is withdrawn.
ALIKE = set() if IS_FULL else {"chunk_abort", "not_json", "envelope", "503", "404"}
LASTING = [name for name in {**BREAKS, **PAGES} if name not in ALIKE | {"shift"}]


@pytest.fixture(scope="module")
def small() -> Dataset:
    return live_like(Settings(_env_file=None), kpi_ids=KPIS, years=(2021, 2022))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, small: Dataset) -> Path:
    """A home in which one undisturbed fetch has been parsed."""
    home = tmp_path_factory.mktemp("matrix") / "base"
    with KoladaServer(small, per_page=PER_PAGE) as server:
        settings = settings_for(server, home)
        result = fetch_kolada(settings, KPIS, PLACES, None)
        parse_landing(settings, result["fetch_ids"])
        assert len(server.requests) == REQUESTS
    return home


def settings_for(server: KoladaServer, home: Path, **changes: Any) -> Settings:
    base: dict[str, Any] = {
        "home": home,
        "sources": "live",
        "kolada_url": server.url(),
        "kolada_rps": 100_000,
        "kolada_connections": 1,
        "kolada_attempts": 2,
        "kolada_backoff": 0.0,
        "kolada_timeout": 30.0,
    }
    return Settings(_env_file=None, **(base | changes))


@contextmanager
def copied(base: Path, tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    shutil.copytree(base, home)
    yield home
    shutil.rmtree(home)


def judge(settings: Settings, what: object) -> dict[str, str]:
    """Fetch with the fault in force; return the outcome of each measure, {} when the fetch failed."""
    before = fetch_ids(settings.landing)
    try:
        result = fetch_kolada(settings, KPIS, PLACES, None)
    except SourceError as error:
        assert error.action and error.source, what
        assert fetch_ids(settings.landing) == before, "nothing of it is used"
        return {}
    parse_landing(settings, result["fetch_ids"])
    files = [
        str(fetch_dir(settings.observations, one) / "measures.parquet")
        for one in (*before, *result["fetch_ids"])
    ]
    with duckdb.connect() as con:
        rows = con.execute(
            "select kpi_id, fetch_id, outcome, content_sha256, n_values, content_fetch_id, error "
            "from read_parquet($files) order by all",
            {"files": files},
        ).fetchall()
    held = {row[0]: row for row in rows if row[1] == before[0]}
    now = {row[0]: row for row in rows if row[1] == result["fetch_ids"][0]}
    assert set(now) == set(held) == set(KPIS)
    for kpi, row in now.items():
        assert row[2] in ("complete", "failed", "unknown_id"), (what, row)
        if row[2] == "complete":
            assert row[3:6] == held[kpi][3:6], (what, row)
        else:
            assert row[6], (what, row)
    return {kpi: row[2] for kpi, row in now.items()}


def is_as_little_as_can_be(name: str, position: int, outcomes: dict[str, str]) -> bool:
    """A fault that stays spoils the catalogue, and with it the fetch, or at most one measure.

    An answer without anything where there were values is not believed, and ends the fetch.
    """
    complete = sum(one == "complete" for one in outcomes.values())
    if position in CATALOGUE:
        return outcomes == {} or (name in PAGES and complete >= 1)
    if position < FIRST_DATA or name in BREAKS:
        return complete == len(KPIS)
    return complete >= len(KPIS) - 1 or (name == "empty" and outcomes == {})


@pytest.mark.parametrize("name", PAGES)  # for the others see test_source_faults.py
def test_a_page_fault_that_strikes_once(
    name: str, small: Dataset, base: Path, tmp_path: Path, cases: Cases
) -> None:
    for position in range(1, REQUESTS + 1):
        with KoladaServer(small, [Fault(name, at={position})], per_page=PER_PAGE) as server:
            with copied(base, tmp_path) as home:
                outcomes = judge(settings_for(server, home), (name, position))
            assert outcomes == KEPT_OUT.get((name, position), ALL_COMPLETE), (name, position)
            assert server.faults[0].hits == 1
            cases.add()


@pytest.mark.parametrize("name", LASTING)
def test_a_fault_that_stays(name: str, small: Dataset, base: Path, tmp_path: Path, cases: Cases) -> None:
    """The request at one position is answered wrongly whenever it is asked, in every attempt."""
    details: dict[str, Any] = {"kind": name} | {**BREAKS, **PAGES}[name]
    with KoladaServer(small, per_page=PER_PAGE) as server, copied(base, tmp_path) as home:
        fetch_kolada(settings_for(server, home), KPIS, PLACES, None)
        targets = [target.removeprefix("/v3") for target in server.requests]
    for position, target in enumerate(targets, 1):
        with KoladaServer(small, [Fault(match=target, **details)], per_page=PER_PAGE) as server:
            with copied(base, tmp_path) as home:
                settings = settings_for(server, home, kolada_timeout=0.5 if name == "stall" else 30.0)
                outcomes = judge(settings, (name, position, target))
            assert is_as_little_as_can_be(name, position, outcomes), (name, position, outcomes)
            assert server.faults[0].hits >= 1
            cases.add()
