"""Checksums of tables that depend on the values only, not on row order, file layout, engine or parallelism.

A row becomes the JSON list of its columns as text, in column order (null stays null, floating-point numbers
with 12 significant digits, since sums differ in the last digits between parallel runs); the checksum is the
sha256 of the sorted sha256 digests of the rows. Memory is bounded: DuckDB sorts, with spilling.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import duckdb

# Columns that tell of the run, not of the data: left out of the checksum that the manifest shows.
RUN_COLUMNS = {
    "quality.check_results": ("run_id", "ran_at", "docs_page"),
    "quality.incidents": ("last_seen_at", "times_seen"),
}
BATCH = 200_000


def columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    """Return (name, type) of the columns of a table, view or table function."""
    return [(row[0], row[1]) for row in con.execute(f"describe select * from {relation}").fetchall()]  # noqa: S608


def checksum(
    con: duckdb.DuckDBPyConnection, relation: str, *, exclude: Collection[str] = ()
) -> tuple[int, str]:
    """Return (number of rows, sha256 hex) of a relation, without the columns in `exclude`."""
    texts = [_text(name, kind) for name, kind in columns(con, relation) if name not in exclude]
    sql = f"select unhex(sha256(to_json([{', '.join(texts)}])::varchar)) as d from {relation} order by d"  # noqa: S608
    digest = hashlib.sha256()
    count = 0
    for batch in con.sql(sql).to_arrow_reader(BATCH):
        digests = batch.column(0).to_pylist()
        count += len(digests)
        digest.update(b"".join(digests))
    return count, digest.hexdigest()


def digest_of_copy(con: duckdb.DuckDBPyConnection, relation: str) -> tuple[int, int]:
    """Return (number of rows, sum of the hashes of the rows): quick, exact to the last bit of every value.

    For comparing copies within one run; the hash function is DuckDB's own and may change between versions.
    """
    texts = [
        f'"{name}"::decimal(38, 0)' if kind in {"HUGEINT", "UHUGEINT"} else f'"{name}"'
        for name, kind in columns(con, relation)
    ]
    sql = f"select count(*), coalesce(sum(hash({', '.join(texts)})), 0) from {relation}"  # noqa: S608
    row = con.execute(sql).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return int(row[0]), int(row[1])


def _text(name: str, kind: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind in {"DOUBLE", "FLOAT"}:
        return f"printf('%.12g', {column}::double + 0.0)"
    return f"{column}::varchar"
