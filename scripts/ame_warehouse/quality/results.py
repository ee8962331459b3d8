"""Results of checks: one shape for dbt tests and Great Expectations, their tables, and the gate."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ame_warehouse.errors import BuildError, CheckFailedError

if TYPE_CHECKING:
    import duckdb

Severity = Literal["error", "warning", "info"]
Status = Literal["passed", "failed", "errored"]
Stage = Literal["landing", "dbt", "marts", "publication", "alerts", "watch"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
STAGES: tuple[Stage, ...] = ("landing", "dbt", "marts")  # of a build; the others run beside it
MAX_FAILING_ROWS = 1_000
SMALL = 0.01

CHECK_RESULTS_DDL = """
create or replace table quality.check_results (
    run_id varchar not null,
    check_id varchar not null,
    severity varchar not null,
    success boolean not null,
    expected varchar,
    found varchar,
    failing_rows_table varchar,
    ran_at timestamp not null,
    status varchar not null,
    failing_rows bigint not null,
    stage varchar not null,
    owner varchar not null,
    message varchar not null,
    action varchar not null,
    docs_page varchar,
    primary key (run_id, check_id)
)
"""


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    `scopes` names the faults that get an incident each (for example failed measures) and says what was
    found for each; empty means one incident for the whole check, as more than `max_scopes` do.
    `scope_rows` says how many of the failing rows are of each. `ran_at` is UTC, ISO 8601 without a time zone.
    """

    check_id: str
    severity: Severity
    status: Status
    stage: Stage
    expected: str
    found: str
    owner: str
    message: str
    action: str
    ran_at: str
    failing_rows: int = 0
    failing_rows_table: str | None = None
    scopes: dict[str, str] = field(default_factory=dict)
    scope_rows: dict[str, int] = field(default_factory=dict)
    max_scopes: int | None = None
    docs_page: str | None = None

    @property
    def success(self) -> bool:
        """True only when the check ran and the data hold."""
        return self.status == "passed"

    def rows_of(self, scope: str) -> int:
        """Return how many failing rows are of one fault; of the check where it does not tell them apart."""
        return self.scope_rows.get(scope, self.failing_rows)

    def found_of(self, scope: str) -> str:
        """Return what was found for one fault; for the check where it does not tell them apart."""
        return self.scopes.get(scope, self.found)

    @property
    def stops_publication(self) -> bool:
        """True for a check of severity `error` that failed or could not run."""
        return self.severity == "error" and not self.success


def now_text() -> str:
    """Return the current time as UTC text without a time zone, to the microsecond."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def figure(value: float) -> str:
    """Return a number as a person reads it: two decimals at most, more only where it is smaller than that."""
    if value and abs(value) < SMALL:
        return f"{value:.3g}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def failing_table(check_id: str) -> str:
    """Return the table for the failing rows of a check: `failing_<check_id>` in plain letters."""
    return "failing_" + re.sub(r"[^a-z0-9_]+", "_", check_id.lower())


@dataclass
class RunState:
    """What the steps of one build tell each other, kept beside the candidate as JSON.

    `notes` holds what later steps need (fingerprint, mode, as_of …); `stages` the results so far. A step
    that is repeated replaces the results of its stage.
    """

    version: str
    notes: dict[str, str | None] = field(default_factory=dict)
    stages: dict[str, list[CheckResult]] = field(default_factory=dict)

    @property
    def results(self) -> list[CheckResult]:
        """All results so far, in the order of the stages."""
        return [result for stage in STAGES for result in self.stages.get(stage, [])]

    def save(self, path: Path) -> None:
        """Write the state; a reader sees the old or the new file, never half of one.

        Raises `BuildError` when the disk or the permissions do not allow it.
        """
        body = {
            "version": self.version,
            "notes": self.notes,
            "stages": {stage: [asdict(r) for r in results] for stage, results in self.stages.items()},
        }
        partial = path.with_name(path.name + ".partial")
        try:
            partial.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
            partial.replace(path)
        except OSError as exc:
            raise BuildError(
                "the state of this build cannot be written",
                expected="free space and permission to write in AME_HOME/build",
                found=f"{type(exc).__name__}: {exc.strerror or exc}",
                source=str(path),
                action="free space or correct the permissions, then run `ame run` again",
            ) from exc

    @classmethod
    def load(cls, path: Path) -> RunState:
        """Read the state of a build; raise `BuildError` when its first step has not run here."""
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            stages = {s: [CheckResult(**r) for r in rows] for s, rows in body["stages"].items()}
            return cls(body["version"], body["notes"], stages)
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise BuildError(
                "the state of this build cannot be read",
                expected="the file that the step plan_build writes",
                found=f"{type(exc).__name__}: {exc}",
                source=str(path),
                action="start the build again from its first step (`ame run`)",
            ) from exc


def tidy_failing_tables(con: duckdb.DuckDBPyConnection, results: Iterable[CheckResult]) -> None:
    """Drop `failing_` tables that no result names, and cut the others to 1 000 rows."""
    named = {r.failing_rows_table.split(".", 1)[1] for r in results if r.failing_rows_table and not r.success}
    tables = con.execute(
        "select table_name from duckdb_tables() where schema_name = 'quality' "
        "and database_name = current_database() and starts_with(table_name, 'failing_')"
    ).fetchall()
    for (table,) in tables:
        if table not in named:
            con.execute(f'drop table quality."{table}"')
            continue
        count = con.execute(f'select count(*) from quality."{table}"').fetchone()  # noqa: S608
        if count and count[0] > MAX_FAILING_ROWS:
            con.execute(
                f'create or replace table quality."{table}" as '  # noqa: S608
                f'select * from quality."{table}" order by all limit {MAX_FAILING_ROWS}'
            )


def write_check_results(con: duckdb.DuckDBPyConnection, run_id: str, results: list[CheckResult]) -> None:
    """Write `quality.check_results` (made anew) on a connection to the candidate."""
    con.execute("create schema if not exists quality")
    con.execute(CHECK_RESULTS_DDL)
    if results:
        con.executemany(
            "insert into quality.check_results values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    run_id,
                    r.check_id,
                    r.severity,
                    r.success,
                    r.expected,
                    r.found,
                    r.failing_rows_table if not r.success else None,
                    r.ran_at,
                    r.status,
                    r.failing_rows,
                    r.stage,
                    r.owner,
                    r.message,
                    r.action,
                    r.docs_page,
                )
                for r in sorted(results, key=lambda r: r.check_id)
            ],
        )


def stopping(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Return the results that stop a publication."""
    return [r for r in results if r.stops_publication]


def gate(results: Iterable[CheckResult], *, candidate: Path | None = None) -> None:
    """Raise `CheckFailedError` when a check of severity `error` failed or could not run.

    The error lists each of them: what was expected, what was found, what to do.
    """
    bad = stopping(results)
    if not bad:
        return
    lines = []
    for r in bad:
        verb = "could not run" if r.status == "errored" else "failed"
        rows = f" (rows: {r.failing_rows_table})" if r.failing_rows_table else ""
        lines.append(f"{r.check_id} {verb}: {r.found}{rows}")
    actions = list(dict.fromkeys(f"{r.check_id}: {r.action}" for r in bad))
    count = "1 check" if len(bad) == 1 else f"{len(bad)} checks"
    raise CheckFailedError(
        f"{count} of severity error did not pass: nothing is published, readers keep the version they have",
        expected="; ".join(f"{r.check_id}: {r.expected}" for r in bad),
        found=" | ".join(lines),
        source=str(candidate) if candidate else None,
        action=" | ".join(actions),
    )
