"""Small helpers between Python rows, DuckDB tables and Parquet files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.landing.schema import TABLES


def timestamp(text: str) -> datetime:
    """Return an ISO moment as UTC without zone, as the Parquet files hold it."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def connect(memory_limit: str = "1GB") -> duckdb.DuckDBPyConnection:
    """Return a private in-memory database that keeps to a memory limit and prints nothing."""
    connection = duckdb.connect(config={"memory_limit": memory_limit})
    connection.execute("set enable_progress_bar = false")
    return connection


def fill(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str] | None = None,
) -> None:
    """Create a temporary table and put rows into it.

    Args:
        columns: names and DuckDB types; by default those of the contract. A date that is none becomes null;
            text that is no Unicode (lone surrogates) gets question marks.
    """
    kinds = TABLES[table] if columns is None else columns
    definition = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
    connection.execute(f"create temp table if not exists {table} ({definition})")
    if not rows:
        return
    shape = {name: _shape(kind) for name, kind in kinds.items()}
    text = json.dumps(list(rows), ensure_ascii=False, default=datetime.isoformat)
    values = ", ".join(
        f'try_cast(r."{name}" as date)' if kind == "DATE" else f'r."{name}"' for name, kind in kinds.items()
    )
    source = "select unnest(from_json_strict($rows::json, $shape)) as r"
    connection.execute(
        f"insert into {table} select {values} from ({source})",  # noqa: S608 - our own names
        {"rows": text.encode("utf-8", "replace").decode(), "shape": json.dumps([shape])},
    )


def _shape(kind: str) -> Any:
    if kind.endswith("[]"):
        return [kind.removesuffix("[]")]
    return "VARCHAR" if kind == "DATE" else kind


def write_parquet(connection: duckdb.DuckDBPyConnection, table: str, order: str, path: Path) -> None:
    """Write a table as one sorted Parquet file.

    The character NUL, which PostgreSQL and many readers refuse, becomes a question mark.
    """
    target = str(path).replace("'", "''")
    kinds = [(str(row[0]), str(row[1])) for row in connection.execute(f"describe {table}").fetchall()]
    texts = [f'replace("{name}", chr(0), \'?\') as "{name}"' for name, kind in kinds if kind == "VARCHAR"]
    cleaned = f"* replace ({', '.join(texts)})" if texts else "*"
    rows = f"select {cleaned} from {table} order by {order}"  # noqa: S608 - our own names
    connection.execute(f"copy ({rows}) to '{target}' (format parquet, compression zstd)")
