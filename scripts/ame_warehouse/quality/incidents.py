"""Incidents: one per fault, from the run that first saw it to the run in which it is gone.

The store is one SQLite file, `AME_HOME/quality/incidents.sqlite`: it survives restarts, a run that is killed
leaves it as it was before, and history is kept. A fault is a check and a scope; most checks have one scope
(the whole check), a few name what failed (a measure). A fault that comes back within
`incident_faults.REOPEN_WITHIN` opens its incident again; later it is a new incident that names the one
before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from ame_warehouse.errors import AmeError, SettingsError
from ame_warehouse.quality.incident import Incident, Recorded, label, number_of
from ame_warehouse.quality.incident_faults import lapse, take_over, write_event
from ame_warehouse.quality.results import CheckResult
from ame_warehouse.settings import Settings
from ame_warehouse.sqlite_file import SqliteFile

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
            lapse(con, now)
            for result in results:
                take_over(con, result, run_id, now, recorded)
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
            write_event(con, number, now, "acknowledged", by=by.strip(), detail=told)
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
