"""Stored pages of one fetch → one DuckDB table of cells; fast where possible, tolerant elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

from ame_warehouse.errors import LandingError
from ame_warehouse.kolada.pages import ENVELOPE
from ame_warehouse.landing.store import Objects
from ame_warehouse.landing.tables import fill
from ame_warehouse.landing.tolerant import Cell, Oddity, read_records

BATCH = 16
THREADS = 2
RAW = {
    "page_no": "INTEGER",
    "kpi_id": "VARCHAR",
    "municipality_id": "VARCHAR",
    "year": "INTEGER",
    "gender": "VARCHAR",
    "value": "DOUBLE",
    "status": "VARCHAR",
    "is_deleted": "BOOLEAN",
    "member_count": "INTEGER",
    "raw_value": "VARCHAR",
    "value_issue": "VARCHAR",
}
FAST = """
insert into raw
select
    page_no, kpi, municipality, period, v.gender, v."value", v.status, v.isdeleted, v."count",
    null, null
from (
    select
        parse_filename(filename, true)::integer as page_no, kpi, municipality, period,
        unnest("values") as v
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
) -> list[Oddity]:
    """Fill the table `raw` from stored pages, numbered in the order given; return the oddities met.

    Every body is verified against its checksum. `odd` names the pages that are not as documented.
    """
    fill(connection, "raw", [], RAW)
    known_odd = set(odd)
    slow: list[int] = []

    def prepare(page_no: int) -> tuple[int, Path | None]:
        checksum = checksums[page_no]
        body = objects.get(checksum)
        array = None if checksum in known_odd else record_array(body)
        if array is None:
            return page_no, None
        path = scratch / f"{page_no}.json"
        path.write_bytes(array)
        return page_no, path

    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(checksums), BATCH):
            batch = range(len(checksums))[start : start + BATCH]
            prepared = dict(pool.map(prepare, batch))
            fast = [path for path in prepared.values() if path is not None]
            slow += [page_no for page_no, path in prepared.items() if path is None]
            slow += _read_fast(connection, fast)
            for path in fast:
                path.unlink()
    return [odd for page_no in slow for odd in _read_slow(connection, objects, page_no, checksums[page_no])]


def _read_fast(connection: duckdb.DuckDBPyConnection, paths: list[Path]) -> list[int]:
    """Read record arrays; return the numbers of the pages which turned out not to be as documented."""
    if not paths:
        return []
    try:
        connection.execute(FAST, {"paths": [str(path) for path in paths]})
    except duckdb.Error:
        if len(paths) == 1:
            return [int(paths[0].stem)]
        middle = len(paths) // 2
        return _read_fast(connection, paths[:middle]) + _read_fast(connection, paths[middle:])
    return []


def _read_slow(
    connection: duckdb.DuckDBPyConnection, objects: Objects, page_no: int, checksum: str
) -> list[Oddity]:
    cells: list[Cell] = []
    oddities: list[Oddity] = []
    try:
        for found in read_records(objects.get(checksum)):
            if isinstance(found, Cell):
                cells.append(found)
            else:
                oddities.append(found)
    except (ValueError, KeyError, TypeError) as exc:
        raise LandingError(
            "a stored page cannot be read",
            expected="a page of Kolada API v3, as it was when it was stored",
            found=f"{type(exc).__name__}: {exc}",
            source=str(objects.path(checksum)),
            action="move the fetches that use it out of AME_HOME/landing/kolada and fetch again",
        ) from exc
    fill(connection, "raw", [{"page_no": page_no, **vars(cell)} for cell in cells], RAW)
    return oddities
