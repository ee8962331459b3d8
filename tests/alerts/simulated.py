"""Simulated runs: results with failing rows are recorded as a build does, then told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from ame_warehouse.alerts import tell
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.quality.results import CheckResult, RunState
from ame_warehouse.settings import Settings

START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)
Row = tuple[str, str, str, int, str]
HARRYDA: Row = ("1401", "Härryda", "education_5", 2020, "108.0 %")


def check(check_id: str = "compositions_sum_100", **more: Any) -> CheckResult:
    base: dict[str, Any] = {
        "check_id": check_id,
        "severity": "warning",
        "status": "failed",
        "stage": "marts",
        "expected": "a sum between 99 and 101 %",
        "found": "1 of 146 rows: Härryda 2020 education_5: 108.0 %",
        "owner": "data_steward",
        "message": "All parts of a composition are 100 per cent.",
        "action": "Ask the municipality.",
        "ran_at": "2026-03-02T04:30:00.000000",
        "failing_rows": 1,
    }
    return CheckResult(**(base | more))


class Runs:
    """Simulated runs, a day apart: results are recorded as a build does, then told."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.now = START
        self.outcome = tell.Outcome()

    def run(self, *results: CheckResult, rows: tuple[Row, ...] = (HARRYDA,)) -> tell.Outcome:
        self.now += timedelta(days=1)
        version = f"{self.now:%Y%m%dT%H%M%SZ}-abcdef01"
        stamp = self.now.strftime("%Y-%m-%dT%H:%M:%S.%f")
        kept = [self._with_rows(version, result, rows) for result in results]
        self.settings.build.mkdir(parents=True, exist_ok=True)
        RunState(version, {}, {"marts": kept}).save(self.settings.build / f"{version}.results.json")
        IncidentStore(self.settings).record(kept, version, stamp)
        self.outcome = tell.tell(self.settings, self.now)
        return self.outcome

    def _with_rows(self, version: str, result: CheckResult, rows: tuple[Row, ...]) -> CheckResult:
        if result.success or not rows:
            return result
        self.settings.build.mkdir(parents=True, exist_ok=True)
        table = f"quality.failing_{result.check_id}"
        with duckdb.connect(str(self.settings.build / f"{version}.duckdb")) as con:
            con.execute("create schema if not exists quality; create schema if not exists marts")
            con.execute(
                "create or replace table marts.observations as select 'kolada' as source, '1401' as "
                "municipality_id, 'education_5' as measure_id, 2020 as year, "
                "timestamp '2026-02-27' as fetched_at"
            )
            con.execute(
                f"create table {table} (municipality_id varchar, municipality varchar, "
                "composition_id varchar, year integer, sum_not_100 varchar, label varchar, "
                "composition_status varchar)"
            )
            con.executemany(
                f"insert into {table} values (?, ?, ?, ?, ?, ?, 'sum_not_100')",
                [(*row, f"{row[1]} {row[3]} {row[2]}") for row in rows],
            )
        return CheckResult(**{**result.__dict__, "failing_rows_table": table})


def publish(settings: Settings, **more: object) -> None:
    settings.published.mkdir(parents=True, exist_ok=True)
    body = {"version": "v7", "as_of": "2026-02-27T00:00:00Z", "stale": False, "sources": {}, **more}
    (settings.published / "manifest.json").write_text(json.dumps(body))
