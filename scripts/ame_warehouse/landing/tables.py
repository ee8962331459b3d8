"""Small helpers between Python rows, DuckDB tables and Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ame_warehouse.landing.schema import TABLES, ddl

ARROW = {
    "VARCHAR": pa.string(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
    "DOUBLE": pa.float64(),
    "DATE": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR[]": pa.list_(pa.string()),
    "INTEGER[]": pa.list_(pa.int32()),
}


def timestamp(text: str) -> datetime:
    """Return an ISO moment as UTC without zone, as the Parquet files hold it."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def fill(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, Any]], *, create: bool = True
) -> None:
    """Create a temporary table with its contract columns (unless it exists) and put rows into it."""
    if create:
        connection.execute(f"create temp table {table} ({ddl(table)})")
        kinds = TABLES[table]
    else:
        described = connection.execute(f"describe {table}").fetchall()
        kinds = {name: kind for name, kind, *_ in described}
    if not rows:
        return
    schema = pa.schema([(name, ARROW[kind]) for name, kind in kinds.items()])
    connection.register("incoming", pa.Table.from_pylist(list(rows), schema=schema))
    columns = ", ".join(
        f'try_cast("{name}" as date)' if kind == "DATE" else f'"{name}"' for name, kind in kinds.items()
    )
    connection.execute(f"insert into {table} select {columns} from incoming")  # noqa: S608 - our own names
    connection.unregister("incoming")


def write_parquet(connection: duckdb.DuckDBPyConnection, table: str, order: str, path: Path) -> None:
    """Write a table as one sorted Parquet file."""
    target = str(path).replace("'", "''")
    rows = f"select * from {table} order by {order}"  # noqa: S608 - our own names
    connection.execute(f"copy ({rows}) to '{target}' (format parquet, compression zstd)")
