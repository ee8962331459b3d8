"""A reader that never stops looking at what is published, and notes everything that is not whole.

DuckDB opens a Parquet file more than once in one query, so a query by the public name that falls into a
publication may end with an error (never with other figures). Who reads `parquet/` with it follows the link
once and reads below that, as `look` does; a program that opens a file once can use the public name.
"""

from __future__ import annotations

import json
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from tests.reliability.small_world import figures


def look(published: Path, known: list[list[tuple[Any, ...]]]) -> str | None:
    """Return what is wrong with what a reader finds now; None when each thing is whole and of one version."""
    try:
        manifest = json.loads((published / "manifest.json").read_text(encoding="utf-8"))
        if not manifest["tables"] or not manifest["version"]:
            return f"manifest: {manifest}"
        if figures("marts.participants", published / "warehouse.duckdb") not in known:
            return "warehouse.duckdb holds neither the old nor the new figures"
        folder = (published / "parquet").resolve()
        if figures(f"'{folder}/marts/participants.parquet'") not in known:
            return "parquet holds neither the old nor the new figures"
        for name in manifest["tables"]:
            path = published / "parquet" / name.replace(".", "/")
            pq.read_table(BytesIO(path.with_suffix(".parquet").read_bytes()))
    except (OSError, ValueError, KeyError, duckdb.Error, pa.ArrowException) as exc:
        return f"{type(exc).__name__}: {exc}"
    return None


def keep_looking(current: Path, known: list[list[tuple[Any, ...]]], notes: Path) -> None:
    """Look until `notes` with the suffix `.stop` is there; then write how often, and what was wrong."""
    stop, number, wrong = notes.with_suffix(".stop"), 0, []
    homes: set[str] = set()
    while not stop.exists():
        before = current.readlink()
        homes.add(before.name)
        found = look(before / "published", known)
        number += 1
        if found is not None:
            wrong.append([str(before), found])
        time.sleep(0.03)
    said = {"looks": number, "homes": sorted(homes), "wrong": wrong}
    notes.write_text(json.dumps(said), encoding="utf-8")


SHOWN = """
select (select version from quality.publication),
    (select array_agg(distinct year) from marts.participants), (select count(*) from marts.participants),
    (select array_agg(distinct year) from marts.costs), (select count(*) from marts.costs),
    (select array_agg(distinct year) from quality.gaps), (select count(*) from quality.gaps)
"""


def keep_looking_at_postgres(dsn: str, rows: int, notes: Path) -> None:
    """The same for PostgreSQL: in one statement all tables must be of the version that is shown."""
    stop, number, wrong = notes.with_suffix(".stop"), 0, []
    with psycopg.connect(dsn, autocommit=True) as con:
        while not stop.exists():
            number += 1
            version, *found = con.execute(SHOWN).fetchone() or ("",)
            year = int(version[13:15]) if version else 0
            if found != [[year], rows, [year], rows, [year], rows]:
                wrong.append([version, str(found)])
            time.sleep(0.005)
    notes.write_text(json.dumps({"looks": number, "wrong": wrong}), encoding="utf-8")
