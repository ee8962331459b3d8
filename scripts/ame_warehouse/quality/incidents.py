"""Incidents: one per fault, from the run that first saw it to the run in which it is gone.

The store is one SQLite file, `AME_HOME/quality/incidents.sqlite`: it survives restarts, a run that is killed
leaves it as it was before, and history is kept. A fault is a check and a scope; most checks have one scope
(the whole check), a few name what failed (a measure). A fault that comes back after it was resolved is a
new incident that names the one before it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ame_warehouse.errors import AmeError
from ame_warehouse.quality.results import CheckResult
from ame_warehouse.settings import Settings

MAX_SCOPES = 10
BROKEN = "(the check itself)"
SCHEMA = """
create table if not exists incidents (
    incident_id integer primary key autoincrement,
    check_id text not null,
    scope text not null,
    severity text not null,
    summary text not null,
    owner text not null,
    action text not null,
    opened_at text not null,
    last_seen_at text not null,
    times_seen integer not null,
    last_run_id text not null,
    last_count integer not null,
    worst_count integer not null,
    acknowledged_at text,
    acknowledged_by text,
    note text,
    resolved_at text,
    previous_id integer
);
create unique index if not exists one_open_per_fault on incidents (check_id, scope) where resolved_at is null;
create table if not exists events (
    event_id integer primary key autoincrement,
    incident_id integer not null references incidents (incident_id),
    at text not null,
    event text not null,
    run_id text,
    by text,
    detail text
);
"""
COLUMNS = (
    "incident_id, check_id, severity, opened_at, last_seen_at, times_seen, acknowledged_by, note, "
    "resolved_at, scope, summary, owner, action, acknowledged_at, last_count, worst_count, previous_id"
)


@dataclass(frozen=True)
class Incident:
    """One incident. Times are UTC, ISO 8601 without a time zone; `resolved_at` None means open."""

    incident_id: str
    check_id: str
    severity: str
    opened_at: str
    last_seen_at: str
    times_seen: int
    acknowledged_by: str | None
    note: str | None
    resolved_at: str | None
    scope: str
    summary: str
    owner: str
    action: str
    acknowledged_at: str | None
    last_count: int
    worst_count: int
    previous_incident_id: str | None

    @property
    def is_open(self) -> bool:
        """True until a run finds the fault gone."""
        return self.resolved_at is None


@dataclass(frozen=True)
class Recorded:
    """What one run changed: ids of the incidents opened, seen again, and resolved."""

    opened: list[str]
    seen: list[str]
    resolved: list[str]


def label(number: int) -> str:
    """Return the public id of an incident: `INC-0012`."""
    return f"INC-{number:04d}"


def number_of(incident_id: str) -> int:
    """Return the number in `INC-0012`, `inc-12` or `12`; raise `AmeError` for anything else."""
    text = incident_id.strip().upper().removeprefix("INC-")
    if text.isascii() and text.isdigit():
        return int(text)
    raise AmeError(
        f"{incident_id!r} is no incident id",
        expected="an id such as INC-0012",
        found=incident_id,
        action="list them with `ame incidents`",
    )


class IncidentStore:
    """Read and write the incidents under one AME_HOME. Several processes may use it at once."""

    def __init__(self, settings: Settings) -> None:
        self.path: Path = settings.quality / "incidents.sqlite"

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            con = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        except (OSError, sqlite3.Error) as exc:
            raise self._unusable(exc) from exc
        try:
            con.executescript("pragma foreign_keys = on; pragma synchronous = full;" + SCHEMA)
            con.execute("begin immediate")
            yield con
            con.execute("commit")
        except sqlite3.Error as exc:
            raise self._unusable(exc) from exc
        finally:
            con.close()

    def _unusable(self, exc: Exception) -> AmeError:
        return AmeError(
            "the incident store cannot be used",
            expected="an SQLite file that this user may write",
            found=f"{type(exc).__name__}: {exc}",
            source=str(self.path),
            action="check permissions and free space of AME_HOME; a damaged file can be moved aside, "
            "open faults are then opened again by the next run",
        )

    def record(self, results: Iterable[CheckResult], run_id: str, now: str) -> Recorded:
        """Take over the results of a run; the same run may be recorded twice without counting twice.

        A check that did not run changes nothing; a check that could not run leaves its data faults open
        and opens an incident about itself.
        """
        recorded = Recorded([], [], [])
        with self._open() as con:
            for result in results:
                faults = _faults(result)
                rows = con.execute(
                    "select incident_id, scope from incidents where check_id = ? and resolved_at is null",
                    (result.check_id,),
                ).fetchall()
                known = {scope: number for number, scope in rows}
                for scope in faults:
                    if scope in known:
                        _see(con, known[scope], result, run_id, now)
                        recorded.seen.append(label(known[scope]))
                    elif result.severity != "info":
                        recorded.opened.append(label(_open_incident(con, result, scope, run_id, now)))
                for scope, number in known.items():
                    if scope in faults or _still_there(result, scope, faults):
                        continue
                    con.execute(
                        "update incidents set resolved_at = ?, last_run_id = ? where incident_id = ?",
                        (now, run_id, number),
                    )
                    _event(con, number, now, "resolved", run_id=run_id, detail=result.found)
                    recorded.resolved.append(label(number))
        return recorded

    def acknowledge(self, incident_id: str, by: str, note: str, now: str) -> Incident:
        """Mark an open incident as known, with a name or role and a note; return it.

        Raises `AmeError` when there is no such incident, when it is resolved, or when by or note is empty.
        """
        number = number_of(incident_id)
        if not by.strip() or not note.strip():
            raise AmeError(
                "an acknowledgement needs a name and a note",
                expected="who acknowledges, and why it is known",
                found=f"by={by!r}, note={note!r}",
                action="give both: `ame incidents ack ID --by ROLE --note TEXT`",
            )
        with self._open() as con:
            row = con.execute("select resolved_at from incidents where incident_id = ?", (number,)).fetchone()
            if row is None or row[0] is not None:
                raise AmeError(
                    f"{label(number)} " + ("is not known" if row is None else "is already resolved"),
                    expected="the id of an open incident",
                    found=incident_id if row is None else f"resolved at {row[0]}",
                    source=str(self.path),
                    action="list the open ones with `ame incidents`",
                )
            con.execute(
                "update incidents set acknowledged_at = ?, acknowledged_by = ?, note = ? "
                "where incident_id = ?",
                (now, by.strip(), note.strip(), number),
            )
            _event(con, number, now, "acknowledged", by=by.strip(), detail=note.strip())
        return self.get(incident_id)

    def get(self, incident_id: str) -> Incident:
        """Return one incident; raise `AmeError` when it is not known."""
        number = number_of(incident_id)
        for incident in self.incidents():
            if incident.incident_id == label(number):
                return incident
        raise AmeError(
            f"{label(number)} is not known",
            expected="the id of an incident",
            found=incident_id,
            source=str(self.path),
            action="list them with `ame incidents --all`",
        )

    def incidents(self, *, open_only: bool = False) -> list[Incident]:
        """Return the incidents, open ones first, worst severity first, oldest first."""
        if not self.path.exists():
            return []
        where = "where resolved_at is null" if open_only else ""
        with self._open() as con:
            rows = con.execute(
                f"select {COLUMNS} from incidents {where} "  # noqa: S608
                "order by resolved_at is not null, "
                "case severity when 'error' then 0 when 'warning' then 1 else 2 end, incident_id"
            ).fetchall()
        return [_incident(row) for row in rows]

    def history(self, incident_id: str) -> list[dict[str, str | None]]:
        """Return the events of an incident: at, event, run_id, by, detail.

        The events are opened, reopened, seen, acknowledged, resolved.
        """
        with self._open() as con:
            rows = con.execute(
                "select at, event, run_id, by, detail from events where incident_id = ? order by event_id",
                (number_of(incident_id),),
            ).fetchall()
        return [dict(zip(("at", "event", "run_id", "by", "detail"), row, strict=True)) for row in rows]


def _incident(row: tuple[Any, ...]) -> Incident:
    """Build an incident from a row of COLUMNS: numbers become public ids."""
    values = dict(zip((field.name for field in fields(Incident)), row, strict=True))
    values["incident_id"] = label(row[0])
    values["previous_incident_id"] = label(row[-1]) if row[-1] is not None else None
    return Incident(**values)


def _faults(result: CheckResult) -> dict[str, None]:
    """Return the scopes that need an incident: none, the whole check, or (up to a limit) named ones."""
    if result.status == "passed":
        return {}
    if result.status == "errored":
        return {BROKEN: None}
    scopes = sorted(result.scopes)
    return dict.fromkeys(scopes) if 0 < len(scopes) <= (result.max_scopes or MAX_SCOPES) else {"": None}


def _still_there(result: CheckResult, scope: str, faults: dict[str, None]) -> bool:
    """True when an open fault that has no incident of its own in this run cannot be called resolved."""
    if result.status == "errored":
        return scope != BROKEN
    return "" in faults and scope in result.scopes


def _summary(result: CheckResult, scope: str) -> str:
    if scope == BROKEN:
        return f"The check could not run: {result.found}"
    about = f"{scope}: " if scope else ""
    return (
        f"{about}{result.message} Expected {result.expected}; found {result.scopes.get(scope, result.found)}."
    )


def _open_incident(con: sqlite3.Connection, result: CheckResult, scope: str, run_id: str, now: str) -> int:
    before = con.execute(
        "select max(incident_id) from incidents where check_id = ? and scope = ?", (result.check_id, scope)
    ).fetchone()[0]
    cursor = con.execute(
        "insert into incidents (check_id, scope, severity, summary, owner, action, opened_at, last_seen_at, "
        "times_seen, last_run_id, last_count, worst_count, previous_id) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)",
        (
            result.check_id,
            scope,
            result.severity,
            _summary(result, scope),
            result.owner,
            result.action,
            now,
            now,
            run_id,
            result.failing_rows,
            result.failing_rows,
            before,
        ),
    )
    number = cursor.lastrowid or 0
    _event(con, number, now, "reopened" if before else "opened", run_id=run_id, detail=result.found)
    return number


def _see(con: sqlite3.Connection, number: int, result: CheckResult, run_id: str, now: str) -> None:
    last_run, scope = con.execute(
        "select last_run_id, scope from incidents where incident_id = ?", (number,)
    ).fetchone()
    again = 0 if last_run == run_id else 1
    con.execute(
        "update incidents set severity = ?, summary = ?, owner = ?, action = ?, last_seen_at = ?, "
        "times_seen = times_seen + ?, last_run_id = ?, last_count = ?, worst_count = max(worst_count, ?) "
        "where incident_id = ?",
        (
            result.severity,
            _summary(result, scope),
            result.owner,
            result.action,
            now,
            again,
            run_id,
            result.failing_rows,
            result.failing_rows,
            number,
        ),
    )
    if again:
        _event(con, number, now, "seen", run_id=run_id, detail=result.found)


def _event(
    con: sqlite3.Connection,
    number: int,
    at: str,
    event: str,
    *,
    run_id: str | None = None,
    by: str | None = None,
    detail: str | None = None,
) -> None:
    con.execute(
        "insert into events (incident_id, at, event, run_id, by, detail) values (?, ?, ?, ?, ?, ?)",
        (number, at, event, run_id, by, detail),
    )


def record(settings: Settings, results: Iterable[CheckResult], run_id: str, now: str) -> Recorded:
    """Take over the results of a run into the store of `settings`."""
    return IncidentStore(settings).record(results, run_id, now)


def acknowledge(settings: Settings, incident_id: str, by: str, note: str, now: str) -> Incident:
    """Acknowledge an open incident in the store of `settings`."""
    return IncidentStore(settings).acknowledge(incident_id, by, note, now)


def list_incidents(settings: Settings, *, open_only: bool = False) -> list[Incident]:
    """Return the incidents of `settings`, open ones first."""
    return IncidentStore(settings).incidents(open_only=open_only)
