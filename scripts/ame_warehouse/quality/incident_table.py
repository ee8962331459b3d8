"""`quality.incidents`: the incidents as readers of the published version see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from ame_warehouse.quality.incidents import Incident

PUBLISHED_DDL = """
create or replace table quality.incidents (
    incident_id varchar not null,
    check_id varchar not null,
    severity varchar not null,
    opened_at timestamp not null,
    last_seen_at timestamp not null,
    times_seen integer not null,
    acknowledged_by varchar,
    note varchar,
    resolved_at timestamp,
    scope varchar not null,
    summary varchar not null,
    owner varchar not null,
    action varchar not null,
    acknowledged_at timestamp,
    last_count bigint not null,
    worst_count bigint not null,
    acknowledged_count bigint,
    reopened_at timestamp,
    previous_incident_id varchar,
    primary key (incident_id)
)
"""
PUBLISHED_COMMENTS = {
    None: "One row per incident, open and past; as of the publication of this version.",
    "scope": "what failed, where the check tells (a measure); empty = the whole check",
    "times_seen": "number of runs that saw the fault",
    "last_count": "failing rows when last seen",
    "worst_count": "most failing rows in any run",
    "acknowledged_count": "failing rows when it was acknowledged; more of them are told again",
    "reopened_at": "when the fault last came back after it had been resolved, at most 30 days before",
    "previous_incident_id": "the resolved incident of the same fault, when it came back later than that",
}


def write_incidents(con: duckdb.DuckDBPyConnection, incidents: Iterable[Incident]) -> None:
    """Write `quality.incidents` (made anew) on a connection to the candidate."""
    con.execute("create schema if not exists quality")
    con.execute(PUBLISHED_DDL)
    for column, text in PUBLISHED_COMMENTS.items():
        target = "table quality.incidents" if column is None else f"column quality.incidents.{column}"
        con.execute(f"comment on {target} is '{text}'")
    rows = [astuple(incident) for incident in sorted(incidents, key=lambda i: i.incident_id)]
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        con.executemany(f"insert into quality.incidents values ({marks})", rows)  # noqa: S608
