"""Read the published version; nothing here writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ame_warehouse.errors import AmeError
from ame_warehouse.publish import shape
from ame_warehouse.settings import Settings

if TYPE_CHECKING:
    import duckdb

RUN_FIRST = "run `ame run` (or `make run`) first"


@contextmanager
def open_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open `published/warehouse.duckdb` read-only; raise `AmeError` when nothing usable is published.

    A query of the block that the file cannot answer (a table or column is not there) is an `AmeError` too.
    """
    import duckdb

    path = settings.published / "warehouse.duckdb"
    if not path.exists():
        raise AmeError("nothing is published yet", expected=str(path), action=RUN_FIRST)
    try:
        con = duckdb.connect(str(path), read_only=True, config={"python_enable_replacements": False})
    except duckdb.Error as exc:
        raise AmeError(
            "the published file cannot be opened",
            expected="a DuckDB file that this user may read and nobody has opened for writing",
            found=str(exc).strip().splitlines()[0],
            source=str(path),
            action="close programs that write to it; `ame run --full-refresh` makes a damaged file again",
        ) from exc
    try:
        yield con
    except duckdb.Error as exc:
        raise AmeError(
            "the published file has not what this command reads",
            expected="a file that this release of the project published, and nobody edited",
            found=str(exc).strip().splitlines()[0],
            source=str(path),
            action="`ame run --full-refresh` makes it again",
        ) from exc
    finally:
        con.close()


def read_manifest(settings: Settings) -> dict[str, Any]:
    """Return the published manifest; raise `AmeError` when there is none or it cannot be read."""
    path = settings.published / "manifest.json"
    if not path.exists():
        raise AmeError("nothing is published yet", expected=str(path), action=RUN_FIRST)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise _unreadable(path, f"{type(exc).__name__}: {exc}") from exc
    wrong = shape.fault(manifest) or (None if manifest.get("version") else "version: there is none")
    if wrong:
        raise _unreadable(path, wrong)
    return dict(manifest)


def _unreadable(path: Path, found: str) -> AmeError:
    return AmeError(
        "the manifest of the published version cannot be read",
        expected="the JSON file that a publication wrote, which this user may read",
        found=found,
        source=str(path),
        action="`ame run --full-refresh` makes it again",
    )


def rows(
    con: duckdb.DuckDBPyConnection, sql: str, values: list[Any] | dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return the rows of a query as dictionaries by column."""
    cursor = con.execute(sql, values or [])
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
