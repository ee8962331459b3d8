"""Incidents: one per fault, from the run that first saw it to the run in which it is gone.

The store is one SQLite file, `AME_HOME/quality/incidents.sqlite`: it survives restarts, a run that is killed
leaves it as it was before, and history is kept. A fault is a check and a scope; most checks have one scope
(the whole check), a few name what failed (a measure). A fault that comes back within
`REOPEN_WITHIN` opens its incident again; later it is a new incident that names the one before it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ame_warehouse.errors import AmeError, SettingsError
from ame_warehouse.quality.results import CheckResult
from ame_warehouse.settings import Settings
from ame_warehouse.sqlite_file import SqliteFile

MAX_SCOPES = 10
REOPEN_WITHIN = timedelta(days=30)
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
ADDED = {
    "incidents": {
        "acknowledged_count": "integer",
        "reopened_at": "text",
        "acknowledged_until": "text",
        "lapsed_at": "text",
    }
}
COLUMNS = (
    "incident_id, check_id, severity, opened_at, last_seen_at, times_seen, acknowledged_by, note, "
    "resolved_at, scope, summary, owner, action, acknowledged_at, last_count, worst_count, "
    "acknowledged_count, reopened_at, acknowledged_until, lapsed_at, previous_id"
)


@dataclass(frozen=True)
class Incident:
    """One incident. Times are UTC, ISO 8601 without a time zone; `resolved_at` None means open.

    `acknowledged_until` is the last day of the acknowledgement (None: no end), `lapsed_at` when one ended.
    """

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
    acknowledged_count: int | None
    reopened_at: str | None
    acknowledged_until: str | None
    lapsed_at: str | None
    previous_incident_id: str | None

    @property
    def is_open(self) -> bool:
        """True until a run finds the fault gone."""
        return self.resolved_at is None


@dataclass(frozen=True)
class Recorded:
    """What one run changed: ids of the incidents opened, seen again, resolved, and opened again."""

    opened: list[str]
    seen: list[str]
    resolved: list[str]
    reopened: list[str] = field(default_factory=list)


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
        self._open = SqliteFile(
            self.path,
            SCHEMA,
            "the incident store",
            "open faults are then opened again by the next run",
            ADDED,
        ).transaction

    def record(self, results: Iterable[CheckResult], run_id: str, now: str) -> Recorded:
        """Take over the results of a run; the same run may be recorded twice without counting twice.

        A check that did not run changes nothing; a check that could not run leaves its data faults open
        and opens an incident about itself.
        """
        recorded = Recorded([], [], [])
        with self._open() as con:
            _lapse(con, now)
            for result in results:
                run = _Run(con, result, run_id, now)
                faults = _faults(result)
                rows = con.execute(
                    "select incident_id, scope from incidents where check_id = ? and resolved_at is null",
                    (result.check_id,),
                ).fetchall()
                known = {scope: number for number, scope in rows}
                for scope in faults:
                    if scope in known:
                        _see(run, known[scope], scope)
                        recorded.seen.append(label(known[scope]))
                    elif result.severity != "info":
                        _open_or_reopen(run, scope, recorded)
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

    def acknowledge(
        self, incident_id: str, by: str, note: str, now: str, until: str | None = None
    ) -> Incident:
        """Mark an open incident as known, with a name or role and a note; return it.

        After the day `until` (ISO date; None = no end) nobody knows of it any more, and it is told again.
        Raises `AmeError` when there is no such incident or it is resolved, `SettingsError` when by or note is
        empty.
        """
        number = number_of(incident_id)
        if not by.strip() or not note.strip():
            raise SettingsError(
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
                "update incidents set acknowledged_at = ?, acknowledged_by = ?, note = ?, "
                "acknowledged_count = last_count, acknowledged_until = ?, lapsed_at = null "
                "where incident_id = ?",
                (now, by.strip(), note.strip(), until, number),
            )
            told = note.strip() + (f" (until {until})" if until else "")
            _event(con, number, now, "acknowledged", by=by.strip(), detail=told)
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

        The events are opened, reopened, seen, acknowledged, lapsed, resolved.
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


def _lapse(con: sqlite3.Connection, now: str) -> None:
    """End the acknowledgements whose last day is over: the fault is told again."""
    over = con.execute(
        "select incident_id, acknowledged_by, note from incidents "
        "where resolved_at is null and acknowledged_until < ?",
        (now[:10],),
    ).fetchall()
    for number, by, note in over:
        con.execute(
            "update incidents set acknowledged_at = null, acknowledged_by = null, note = null, "
            "acknowledged_count = null, acknowledged_until = null, lapsed_at = ? where incident_id = ?",
            (now, number),
        )
        _event(con, number, now, "lapsed", by=by, detail=note)


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
    found = result.scopes.get(scope, result.found)
    return f"{about}Does not hold: {result.message} Expected {result.expected}; found {found}."


@dataclass(frozen=True)
class _Run:
    """One result of one run, on its way into the store."""

    con: sqlite3.Connection
    result: CheckResult
    run_id: str
    now: str


def _open_or_reopen(run: _Run, scope: str, recorded: Recorded) -> None:
    """Open the last incident of the fault again when it was resolved a short while ago, else a new one."""
    before = run.con.execute(
        "select incident_id, resolved_at from incidents where check_id = ? and scope = ? "
        "order by incident_id desc limit 1",
        (run.result.check_id, scope),
    ).fetchone()
    if before and datetime.fromisoformat(run.now) - datetime.fromisoformat(before[1]) <= REOPEN_WITHIN:
        run.con.execute(
            "update incidents set resolved_at = null, reopened_at = ?, acknowledged_at = null, "
            "acknowledged_by = null, note = null, acknowledged_count = null, acknowledged_until = null, "
            "lapsed_at = null where incident_id = ?",
            (run.now, before[0]),
        )
        number, event = int(before[0]), "reopened"
        recorded.reopened.append(label(number))
    else:
        cursor = run.con.execute(
            "insert into incidents (check_id, scope, severity, summary, owner, action, opened_at, "
            "last_seen_at, times_seen, last_run_id, last_count, worst_count, previous_id) "
            "values (?, ?, ?, '', '', '', ?, ?, 0, '', 0, 0, ?)",
            (
                run.result.check_id,
                scope,
                run.result.severity,
                run.now,
                run.now,
                before[0] if before else None,
            ),
        )
        number, event = cursor.lastrowid or 0, "opened"
        recorded.opened.append(label(number))
    _update(run, number, scope, again=1)
    _event(run.con, number, run.now, event, run_id=run.run_id, detail=run.result.found)


def _see(run: _Run, number: int, scope: str) -> None:
    (last_run,) = run.con.execute(
        "select last_run_id from incidents where incident_id = ?", (number,)
    ).fetchone()
    again = 0 if last_run == run.run_id else 1
    _update(run, number, scope, again=again)
    if again:
        _event(run.con, number, run.now, "seen", run_id=run.run_id, detail=run.result.found)


def _update(run: _Run, number: int, scope: str, *, again: int) -> None:
    """Write what this run found; `again` is 1 when the run has not been counted yet."""
    result = run.result
    run.con.execute(
        "update incidents set severity = ?, summary = ?, owner = ?, action = ?, last_seen_at = ?, "
        "times_seen = times_seen + ?, last_run_id = ?, last_count = ?, worst_count = max(worst_count, ?) "
        "where incident_id = ?",
        (
            result.severity,
            _summary(result, scope),
            result.owner,
            result.action,
            run.now,
            again,
            run.run_id,
            result.failing_rows,
            result.failing_rows,
            number,
        ),
    )


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


def acknowledge(
    settings: Settings, incident_id: str, by: str, note: str, now: str, *, until: str | None = None
) -> Incident:
    """Acknowledge an open incident in the store of `settings`; `until` is its last day (None = no end)."""
    return IncidentStore(settings).acknowledge(incident_id, by, note, now, until)


def list_incidents(settings: Settings, *, open_only: bool = False) -> list[Incident]:
    """Return the incidents of `settings`, open ones first."""
    return IncidentStore(settings).incidents(open_only=open_only)
