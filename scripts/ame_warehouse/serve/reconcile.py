"""Hold what PostgreSQL has against the DuckDB file: every value, by row count and checksum.

The rows are read back as CSV in pieces, turned into the types of DuckDB, and go through the same checksum as
the published file and its manifest.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from ame_warehouse.errors import PublishError
from ame_warehouse.publish.checksum import checksum, digest_of_copy
from ame_warehouse.serve.names import ident
from ame_warehouse.serve.source import Source, Table
from ame_warehouse.serve.types import csv_in, csv_out

PIECE_BYTES = 64_000_000
LINE_BYTES = 16_000_000
BACK = "ame_read_back"


def reconcile(con: psycopg.Connection[Any], source: Source, schema: str, spill: Path) -> dict[str, list[Any]]:
    """Compare every table; return `{table: [rows, checksum]}`.

    Raises `PublishError` that names the first tables which differ.
    """
    content: dict[str, list[Any]] = {}
    different: list[tuple[Table, tuple[int, str, bool]]] = []
    for table in source.tables:
        found = read_back(con, source, schema, table, spill)
        content[table.full_name] = [found[0], found[1]]
        if found != (table.rows, table.digest, True):
            different.append((table, found))
    if different:
        table, found = different[0]
        names = ", ".join(other.full_name for other, _ in different)
        raise PublishError(
            f"PostgreSQL differs from the DuckDB file in {names}; readers keep the version they have",
            expected=f"{table.full_name}: {table.rows} rows, checksum {table.digest[:16]}…",
            found=f"{found[0]} rows, checksum {found[1][:16]}…"
            + ("" if found[2] else ", and values that differ, at the latest in the last digit"),
            source=f"schema {schema}",
            action="run `ame serve`: the version is copied again; if it differs again, tell the developers",
        )
    return content


def read_back(
    con: psycopg.Connection[Any], source: Source, schema: str, table: Table, spill: Path
) -> tuple[int, str, bool]:
    """Return (rows, checksum, equal to the last bit) of a table as PostgreSQL has it.

    The checksum is that of the manifest (12 significant digits). Memory and disk are those of a piece.
    """
    # The last column keeps a row visible whose only value is null: its line would be empty.
    picked = ", ".join([*(csv_out(col) for col in table.columns), "'.'"])
    sql = (
        f"copy (select {picked} from {ident(schema, table.pg_name)}) "  # noqa: S608
        "to stdout with (format csv, force_quote *)"
    )
    duck = source.con
    columns = ", ".join(f"{ident(col.name)} {col.kind}" for col in table.columns)
    duck.execute(f"create or replace temp table {BACK} ({columns})")
    try:
        with TemporaryDirectory(dir=spill, prefix="reconcile-") as folder:
            piece = Path(folder) / "piece.csv"
            with con.cursor() as cursor, cursor.copy(sql.encode()) as copy:
                lines = iter(copy)
                while _write_piece(piece, lines):
                    _take(duck, table, piece)
        return *checksum(duck, BACK), digest_of_copy(duck, BACK) == source.exact(table)
    finally:
        duck.execute(f"drop table if exists {BACK}")


def _write_piece(piece: Path, lines: Any) -> int:
    """Write whole rows (the server sends one at a time) until the piece is full; return its size."""
    size = 0
    with piece.open("wb") as handle:
        for line in lines:
            size += handle.write(line)
            if size >= PIECE_BYTES:
                break
    return size


def _take(duck: Any, table: Table, piece: Path) -> None:
    values = ", ".join(csv_in(col) for col in table.columns)
    names = [col.name.replace("'", "''") for col in table.columns]
    texts = ", ".join(f"'{name}': 'VARCHAR'" for name in [*names, "ame end of row"])
    path = str(piece).replace("'", "''")
    duck.execute(
        f"insert into {BACK} select {values} from read_csv('{path}', header = false, auto_detect = false, "  # noqa: S608
        f"delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, "
        f"max_line_size = {LINE_BYTES}, buffer_size = {LINE_BYTES * 2}, parallel = false, "
        f"columns = {{{texts}}})"
    )
