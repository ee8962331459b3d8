"""Names that a person types (measures, municipalities) as the ids of the published tables."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from ame_warehouse.errors import AmeError

if TYPE_CHECKING:
    import duckdb


class UnknownNameError(AmeError):
    """A filter names something that the warehouse does not have (exit status 2)."""

    exit_code = 2


def measure_ids(con: duckdb.DuckDBPyConnection, names: list[str] | None) -> list[str] | None:
    """Return the measure ids of measure or Kolada ids, in the published tables of `con`."""
    return _known(
        con.execute("select measure_id, kpi_id, measure_id from marts.dim_measure").fetchall(),
        names,
        "measure",
        "ids of marts.dim_measure, or Kolada ids",
    )


def municipality_ids(con: duckdb.DuckDBPyConnection, names: list[str] | None) -> list[str] | None:
    """Return the municipality ids of ids or names."""
    return _known(
        con.execute(
            "select municipality_id, municipality_id, municipality from marts.dim_municipality"
        ).fetchall(),
        names,
        "municipality",
        "four-character ids such as 1480, or names as in marts.dim_municipality",
    )


def _known(
    rows: list[tuple[Any, ...]], names: list[str] | None, what: str, expected: str
) -> list[str] | None:
    """Return the ids for the given ids or names; raise `UnknownNameError` for one that does not exist."""
    if names is None:
        return None
    by_name = {_plain(str(name)): str(row[0]) for row in rows for name in row if name is not None}
    unknown = [name for name in names if _plain(name) not in by_name]
    if unknown:
        raise UnknownNameError(
            f"unknown {what}: {', '.join(unknown)}",
            expected=expected,
            found=", ".join(unknown),
            action="correct the option",
        )
    return [by_name[_plain(name)] for name in names]


def _plain(name: str) -> str:
    """Return a name for comparison: `Tjörn` is the same whether `ö` is one character or `o` and two dots."""
    return unicodedata.normalize("NFC", name).casefold()
