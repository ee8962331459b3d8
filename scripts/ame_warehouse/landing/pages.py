"""Stored pages of one fetch → one DuckDB table of cells; fast where possible, tolerant elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa

from ame_warehouse.errors import LandingError
from ame_warehouse.kolada.pages import ENVELOPE
from ame_warehouse.landing.store import Objects
from ame_warehouse.landing.tolerant import Cell, Oddity, read_records

BATCH = 16
THREADS = 2
RAW_COLUMNS = (
    "object_sha256 VARCHAR, kpi_id VARCHAR, municipality_id VARCHAR, year INTEGER, gender VARCHAR, "
    "value DOUBLE, status VARCHAR, is_deleted BOOLEAN, member_count INTEGER, raw_value VARCHAR, "
    "value_issue VARCHAR"
)
FAST = """
insert into raw
select
    object_sha256, kpi, municipality, period, v.gender, v."value", v.status, v.isdeleted, v."count",
    null, null
from (
    select parse_filename(filename, true) as object_sha256, kpi, municipality, period, unnest("values") as v
    from read_json(
        $paths,
        format = 'array',
        filename = true,
        columns = {
            'kpi': 'VARCHAR',
            'municipality': 'VARCHAR',
            'period': 'INTEGER',
            'values':
                'STRUCT(gender VARCHAR, "count" INTEGER, status VARCHAR, "value" DOUBLE, isdeleted BOOLEAN)[]'
        }
    )
)
"""
CELL_SCHEMA = pa.schema(
    [
        ("object_sha256", pa.string()),
        ("kpi_id", pa.string()),
        ("municipality_id", pa.string()),
        ("year", pa.int32()),
        ("gender", pa.string()),
        ("value", pa.float64()),
        ("status", pa.string()),
        ("is_deleted", pa.bool_()),
        ("member_count", pa.int32()),
        ("raw_value", pa.string()),
        ("value_issue", pa.string()),
    ]
)


def record_array(body: bytes) -> memoryview | None:
    """Return the text of the `values` array within an envelope; None when it cannot be cut out safely.

    The cut is proved right by reading the envelope with an empty array in its place: all four keys, no other.
    """
    start, end = body.find(b"["), body.rfind(b"]")
    if start < 0 or end < start:
        return None
    try:
        rest = json.loads(body[:start] + b"[]" + body[end + 1 :])
    except ValueError:
        return None
    if not isinstance(rest, dict) or rest.keys() != ENVELOPE or rest["values"] != []:
        return None
    return memoryview(body)[start : end + 1]


def load_cells(
    connection: duckdb.DuckDBPyConnection,
    objects: Objects,
    checksums: Sequence[str],
    odd: Iterable[str],
    scratch: Path,
) -> list[tuple[str, Oddity]]:
    """Fill the table `raw` from stored pages; return the oddities met, each with the checksum of its page.

    Every body is verified against its checksum. `odd` names the pages that are not as documented.
    """
    connection.execute(f"create or replace temp table raw ({RAW_COLUMNS})")
    known_odd = set(odd)
    slow: list[str] = []
    fast: list[Path] = []

    def prepare(checksum: str) -> tuple[str, Path | None]:
        body = objects.get(checksum)
        array = None if checksum in known_odd else record_array(body)
        if array is None:
            return checksum, None
        path = scratch / f"{checksum}.json"
        path.write_bytes(array)
        return checksum, path

    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(checksums), BATCH):
            fast.clear()
            for checksum, path in pool.map(prepare, checksums[start : start + BATCH]):
                if path is None:
                    slow.append(checksum)
                else:
                    fast.append(path)
            slow.extend(_read_fast(connection, fast))
            for path in fast:
                path.unlink()
    return [found for checksum in slow for found in _read_slow(connection, objects, checksum)]


def _read_fast(connection: duckdb.DuckDBPyConnection, paths: list[Path]) -> list[str]:
    """Read record arrays; return the checksums of those which turned out not to be as documented."""
    if not paths:
        return []
    try:
        connection.execute(FAST, {"paths": [str(path) for path in paths]})
    except duckdb.Error:
        if len(paths) == 1:
            return [paths[0].stem]
        middle = len(paths) // 2
        return _read_fast(connection, paths[:middle]) + _read_fast(connection, paths[middle:])
    return []


def _read_slow(
    connection: duckdb.DuckDBPyConnection, objects: Objects, checksum: str
) -> list[tuple[str, Oddity]]:
    cells: list[Cell] = []
    oddities: list[tuple[str, Oddity]] = []
    try:
        for found in read_records(objects.get(checksum)):
            if isinstance(found, Cell):
                cells.append(found)
            else:
                oddities.append((checksum, found))
    except (ValueError, KeyError, TypeError) as exc:
        raise LandingError(
            "a stored page cannot be read",
            expected="a page of Kolada API v3, as it was when it was stored",
            found=f"{type(exc).__name__}: {exc}",
            source=str(objects.path(checksum)),
            action="move the fetches that use it out of AME_HOME/landing/kolada and fetch again",
        ) from exc
    table = pa.Table.from_pylist(
        [{"object_sha256": checksum, **vars(cell)} for cell in cells], schema=CELL_SCHEMA
    )
    connection.register("slow_cells", table)
    connection.execute("insert into raw select * from slow_cells")
    connection.unregister("slow_cells")
    return oddities
