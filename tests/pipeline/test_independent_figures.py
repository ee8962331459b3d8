"""The published figures against a second calculation of them, from a live-like source through every step.

The source is the loopback Kolada server with a synthetic state (tests/reference/dataset.py); it pages, names
a wrong host in next_url and has bad moments. What is published must be, cell by cell, what
tests/reference/figures.py calculates from the contract's rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.reference.compare import Comparison, compare
from tests.reference.dataset import EMPTY_LATER, FAILS_FIRST, FAILS_LATER, first_state, second_state
from tests.reference.figures import expected_tables
from tests.reference.knowledge import Fetch, Knowledge, Record
from tests.reference.serving import served

from ame_warehouse.pipeline import steps
from ame_warehouse.sample.faults import Fault
from ame_warehouse.sample.server import KoladaServer

pytestmark = pytest.mark.pipeline

PAGE = 700
BY_RUN = ("quality.check_results", "quality.incidents", "quality.findings", "quality.failing_")


def bad_moments(down: str) -> list[Fault]:
    """Return faults that pass, and one KPI that cannot be had."""
    return [
        Fault("next_host"),
        Fault("status", at={9, 30}, status=500, times=2),
        Fault("status", at={14}, status=429, headers={"Retry-After": "0"}, times=1),
        Fault("truncate", at={20, 41}, times=2),
        Fault("not_json", at={26}, times=1),
        Fault("reset", at={35}, times=1),
        Fault("status", match=down, status=500),
    ]


@dataclass(frozen=True)
class Run:
    """What one run of the steps brought, and where its published files were copied to."""

    fetched: dict[str, Any]
    planned: dict[str, Any]
    warehouse: Path
    manifest: dict[str, Any]
    requests: int


class Installation:
    """An AME_HOME of its own, and the steps that Airflow would call, in their order."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, name: str, fetch: Fetch, *, full_refresh: bool = False) -> Run:
        """Fetch, parse, build and publish; keep a copy of the published warehouse under `name`."""
        (down,) = fetch.failed
        with (
            pytest.MonkeyPatch.context() as patch,
            KoladaServer(served(fetch.records), bad_moments(down), per_page=PAGE) as server,
        ):
            patch.setenv("AME_HOME", str(self.home))
            patch.setenv("AME_SOURCES", "live")
            patch.setenv("AME_KOLADA_URL", server.url())
            patch.setenv("AME_KOLADA_RPS", "10000")
            patch.setenv("AME_KOLADA_BACKOFF", "0.001")
            patch.setenv("AME_KOLADA_ATTEMPTS", "3")
            patch.setenv("AME_MUNICIPALITIES", "all")
            fetched = steps.fetch_kolada()
            steps.parse_landing(fetched["fetch_ids"])
            planned = steps.plan_build(full_refresh=full_refresh)
            if planned["needed"]:
                for step in (
                    steps.check_landing,
                    steps.run_dbt,
                    steps.check_marts,
                    steps.publish,
                    steps.announce,
                ):
                    step(planned["version"])
            requests = len(server.requests)
        published = self.home / "published"
        copy = self.home / f"{name}.duckdb"
        copy.write_bytes((published / "warehouse.duckdb").read_bytes())
        manifest = json.loads((published / "manifest.json").read_text(encoding="utf-8"))
        return Run(fetched, planned, copy, manifest, requests)


FIRST = Fetch(first_state(), frozenset({FAILS_FIRST}))
SECOND = Fetch(second_state(), frozenset({FAILS_LATER}))


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An empty installation; the runs below follow each other in it."""
    return Installation(tmp_path_factory.mktemp("independent"))


@pytest.fixture(scope="module")
def first(installation: Installation) -> Run:
    """The first fetch and its publication."""
    return installation.run("first", FIRST)


@pytest.fixture(scope="module")
def second(installation: Installation, first: Run) -> Run:
    """The fetch after the revision, with a KPI down and another one fallen silent."""
    return installation.run("second", SECOND)


@pytest.fixture(scope="module")
def again(installation: Installation, second: Run) -> Run:
    """The same state once more, built anew."""
    return installation.run("again", SECOND, full_refresh=True)


def compared(run: Run, known: Knowledge, only: tuple[str, ...] = ()) -> Comparison:
    """Compare every table of a published warehouse, or some."""
    result = Comparison()
    with duckdb.connect(str(run.warehouse), read_only=True) as con:
        for table in expected_tables(known):
            if not only or table.name in only:
                compare(con, table, result)
    return result


def test_first_publication_equals_the_second_calculation(first: Run) -> None:
    """Every cell of the first publication is what the contract's rules give."""
    result = compared(first, Knowledge.after([FIRST]))
    assert result.report() == ""
    assert result.cells > 500_000
    assert first.fetched["measures"]["failed"] == 1


def test_revised_source_equals_the_second_calculation(second: Run) -> None:
    """So it is after a revision: withdrawn cells say so, a failed KPI keeps its values."""
    known = Knowledge.after([FIRST, SECOND])
    assert known.current[FAILS_LATER] and known.current[EMPTY_LATER]
    result = compared(second, known)
    assert result.report() == ""
    assert second.fetched["measures"]["failed"] == 2


def versions(run: Run) -> Iterator[tuple[tuple[str, str, int, str], list[tuple[Any, ...]]]]:
    """Return the published versions of each cell, oldest first."""
    with duckdb.connect(str(run.warehouse), read_only=True) as con:
        rows = con.sql(
            "select kpi_id, municipality_id, period, gender, value, missing_reason, valid_from, valid_to "
            "from marts.observation_history where source = 'kolada' order by all"
        ).fetchall()
    found: dict[tuple[str, str, int, str], list[tuple[Any, ...]]] = {}
    for kpi, place, period, gender, *rest in rows:
        found.setdefault((kpi, place, int(period), gender), []).append(tuple(rest))
    for key, listed in found.items():
        yield key, sorted(listed, key=lambda version: version[2])


def test_history_keeps_every_version_and_no_other(second: Run) -> None:
    """A cell has one version per state that the source showed; each ends where the next begins."""

    def shown(record: Record | None) -> float | None:
        return record[0] if record is not None and not record[2] else None

    known = Knowledge.after([FIRST, SECOND])
    wrong: list[str] = []
    seen = set()
    for key, listed in versions(second):
        seen.add(key)
        records: list[Record | None] = list(known.versions.get(key, []))
        if key in known.versions and known.record(*key) is None:
            records.append(None)  # the record went away
        ends = [end for _, _, _, end in listed]
        starts = [start for _, _, start, _ in listed]
        if ends != [*starts[1:], None] or [v[0] for v in listed] != [shown(r) for r in records]:
            wrong.append(f"{key}: expected {records}, found {listed}")
    wrong += [f"{key}: no version" for key in known.versions.keys() - seen]
    assert wrong[:10] == [], f"{len(wrong)} cells"


def test_same_state_gives_the_same_tables(second: Run, again: Run) -> None:
    """A repeated fetch of the same state, built anew, publishes the same content."""

    def checksums(run: Run) -> dict[str, str]:
        tables = run.manifest["tables"]
        # tables that tell of runs and requests differ: ports and the order of failures do
        return {name: tables[name]["checksum"] for name in tables if not name.startswith(BY_RUN)}

    assert again.planned["needed"]
    differing = {name for name, value in checksums(again).items() if checksums(second).get(name) != value}
    assert differing == set()
    assert checksums(again).keys() == checksums(second).keys()


def test_the_comparison_sees_a_single_wrong_cell(first: Run, tmp_path: Path) -> None:
    """One share of another year, one null that became zero, one row lost: each is found."""
    copy = tmp_path / "altered.duckdb"
    copy.write_bytes(first.warehouse.read_bytes())
    with duckdb.connect(str(copy)) as con:
        for change in (
            "update marts.costs set net_cost_sek = 0 where municipality_id = '0114' and year = 1995",
            "update marts.referrals set class_year = class_year + 1 "
            "where (municipality_id, year, referral_source) = ('1480', 2024, 'af')",
            "delete from marts.participants where (municipality_id, year, gender) = ('1480', 2022, 'T')",
        ):
            con.execute(change)
    altered = ("marts.costs", "marts.referrals", "marts.participants")
    result = compared(replace(first, warehouse=copy), Knowledge.after([FIRST]), altered)
    assert result.counts == {
        "marts.costs.net_cost_sek": 1,
        "marts.referrals.class_year": 1,
        "marts.participants: row is missing": 1,
    }


def test_small_pages_were_followed(first: Run) -> None:
    """The comparison means something only if answers came on many pages."""
    assert first.requests > 150
