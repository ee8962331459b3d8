"""`quality.backfills`: the log of backfills as readers of the published version see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

CHANGES = ("added", "revised", "withdrawn", "gap_opened", "gap_closed")
COLUMNS: dict[str, str] = {
    "backfill_id": "varchar not null",
    "started_at": "timestamp not null",
    "requested_by": "varchar not null",
    "reason": "varchar",
    "measures": "varchar",
    "municipalities": "varchar",
    "years": "varchar",
    "outcome": "varchar not null",
    "requests": "integer",
    "fetch_ids": "varchar",
    "version_before": "varchar",
    "version_after": "varchar",
    **{f"n_{kind}": "bigint" for kind in CHANGES},
    "error": "varchar",
}


def write_backfills(con: duckdb.DuckDBPyConnection, entries: Iterable[dict[str, Any]]) -> None:
    """Write `quality.backfills` (made anew) on a connection to the candidate."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    con.execute("create schema if not exists quality")
    con.execute(f"create or replace table quality.backfills ({columns}, primary key (backfill_id))")
    rows = [_row(entry) for entry in entries if entry.get("outcome") in ("done", "failed", "fetched")]
    if rows:
        marks = ", ".join("?" * len(COLUMNS))
        con.executemany(f"insert into quality.backfills values ({marks})", rows)  # noqa: S608


def _row(entry: dict[str, Any]) -> list[Any]:
    changed = entry.get("changed") or {}
    values = {
        **{name: entry.get(name) for name in COLUMNS},
        "started_at": str(entry["started_at"]).removesuffix("Z"),
        "requested_by": entry.get("by") or "unknown",
        **{name: _list(entry.get(name)) for name in ("measures", "municipalities", "years", "fetch_ids")},
        **{f"n_{kind}": changed.get(kind) for kind in CHANGES},
    }
    return [values[name] for name in COLUMNS]


def _list(values: list[Any] | None) -> str | None:
    return ",".join(map(str, values)) if values else None
