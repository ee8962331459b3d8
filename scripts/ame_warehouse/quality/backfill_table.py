"""`quality.backfills`: the log of backfills as readers of the published version see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

CHANGES = {
    "added": "values that were not there before",
    "revised": "values that are others now",
    "withdrawn": "values that are gone",
    "gap_opened": "cells that are expected or listed and have no value now",
    "gap_closed": "cells that have got a value",
}
COLUMNS: dict[str, tuple[str, str]] = {
    "backfill_id": (
        "varchar not null",
        "id: when it began (UTC), and six hexadecimal digits",
    ),
    "started_at": ("timestamp not null", "when it began (UTC)"),
    "requested_by": ("varchar not null", "who asked for it, as given"),
    "reason": ("varchar", "why, as given"),
    "measures": ("varchar", "measures that were asked for, comma-separated; null = all"),
    "municipalities": ("varchar", "municipalities or groups asked for, comma-separated; null = all in scope"),
    "years": ("varchar", "years that were asked for, comma-separated; null = all"),
    "outcome": (
        "varchar not null",
        "done, failed, or fetched (landed, in no published version yet)",
    ),
    "requests": ("integer", "requests that were made to the source"),
    "fetch_ids": ("varchar", "the fetches that it made, comma-separated"),
    "version_before": ("varchar", "the version that was published when it began"),
    "version_after": ("varchar", "the version that was published with it"),
    **{
        f"n_{kind}": ("bigint", f"number of {text}, in all of that version") for kind, text in CHANGES.items()
    },
    "error": ("varchar", "why it failed; null when it did not"),
}
COMMENT = (
    "One row per backfill (reload of chosen measures, years or municipalities) that has landed or failed."
)


def write_backfills(con: duckdb.DuckDBPyConnection, entries: Iterable[dict[str, Any]]) -> None:
    """Write `quality.backfills` (made anew) on a connection to the candidate."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    con.execute("create schema if not exists quality")
    con.execute(f"create or replace table quality.backfills ({columns}, primary key (backfill_id))")
    con.execute(f"comment on table quality.backfills is '{COMMENT}'")
    for name, (_, text) in COLUMNS.items():
        con.execute(f"comment on column quality.backfills.{name} is '{text}'")
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
