"""From the result of a check to its incidents: which faults it names, and what becomes of each.

Written inside a transaction of the store (`quality/incidents.py`).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from ame_warehouse.quality.incident import Recorded, label
from ame_warehouse.quality.results import CheckResult

MAX_SCOPES = 10
REOPEN_WITHIN = timedelta(days=30)
BROKEN = "(the check itself)"


@dataclass(frozen=True)
class _Run:
    """One result of one run, on its way into the store."""

    con: sqlite3.Connection
    result: CheckResult
    run_id: str
    now: str

    def event(self, number: int, event: str, scope: str) -> None:
        """Write what this run did to an incident."""
        found = self.result.found_of(scope)
        write_event(self.con, number, self.now, event, run_id=self.run_id, detail=found)


def take_over(
    con: sqlite3.Connection, result: CheckResult, run_id: str, now: str, recorded: Recorded
) -> None:
    """Open, see again, open again or resolve the incidents of one check; add what changed to `recorded`."""
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
        run.event(number, "resolved", "")
        recorded.resolved.append(label(number))


def lapse(con: sqlite3.Connection, now: str) -> None:
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
        write_event(con, number, now, "lapsed", by=by, detail=note)


def write_event(
    con: sqlite3.Connection,
    number: int,
    at: str,
    event: str,
    *,
    run_id: str | None = None,
    by: str | None = None,
    detail: str | None = None,
) -> None:
    """Append to the history of an incident: what happened, in which run or by whom."""
    con.execute(
        "insert into events (incident_id, at, event, run_id, by, detail) values (?, ?, ?, ?, ?, ?)",
        (number, at, event, run_id, by, detail),
    )


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
    found = result.found_of(scope)
    return f"{about}Does not hold: {result.message} Expected {result.expected}; found {found}."


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
    run.event(number, event, scope)


def _see(run: _Run, number: int, scope: str) -> None:
    (last_run,) = run.con.execute(
        "select last_run_id from incidents where incident_id = ?", (number,)
    ).fetchone()
    again = 0 if last_run == run.run_id else 1
    _update(run, number, scope, again=again)
    if again:
        run.event(number, "seen", scope)


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
            result.rows_of(scope),
            result.rows_of(scope),
            number,
        ),
    )
