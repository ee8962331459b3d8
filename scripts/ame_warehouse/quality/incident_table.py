"""`quality.incidents`: the incidents as readers of the published version see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from ame_warehouse.quality.incident import Incident

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
    acknowledged_until date,
    lapsed_at timestamp,
    previous_incident_id varchar,
    primary key (incident_id)
)
"""


def write_incidents(con: duckdb.DuckDBPyConnection, incidents: Iterable[Incident]) -> None:
    """Write `quality.incidents` (made anew) on a connection to the candidate."""
    con.execute("create schema if not exists quality")
    con.execute(PUBLISHED_DDL)
    rows = [astuple(incident) for incident in sorted(incidents, key=lambda i: i.incident_id)]
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        con.executemany(f"insert into quality.incidents values ({marks})", rows)  # noqa: S608
