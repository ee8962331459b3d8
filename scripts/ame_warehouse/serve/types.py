"""Which PostgreSQL type holds which DuckDB type, exactly as binary COPY needs it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ame_warehouse.serve.names import ident

PLAIN = {
    "BOOLEAN": "bool",
    "SMALLINT": "int2",
    "INTEGER": "int4",
    "BIGINT": "int8",
    "FLOAT": "float4",
    "DOUBLE": "float8",
    "VARCHAR": "text",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "BLOB": "bytea",
}
"""Sent as they are: every value of the DuckDB type is a value of the PostgreSQL type, and back."""
CAST = {
    "TINYINT": ("int2", "SMALLINT"),
    "UTINYINT": ("int2", "SMALLINT"),
    "USMALLINT": ("int4", "INTEGER"),
    "UINTEGER": ("int8", "BIGINT"),
    "UBIGINT": ("numeric(20,0)", "DECIMAL(20,0)"),
    "HUGEINT": ("numeric(38,0)", "DECIMAL(38,0)"),
    "TIMESTAMP_S": ("timestamp", "TIMESTAMP"),
    "TIMESTAMP_MS": ("timestamp", "TIMESTAMP"),
    "TIMESTAMP_NS": ("timestamp", "TIMESTAMP"),
}
"""Sent as another DuckDB type, which PostgreSQL has."""
ELEMENTS = ("BOOLEAN", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR")
NESTED = ("STRUCT", "MAP", "UNION")


@dataclass(frozen=True)
class Column:
    """One column on its way.

    Args:
        name: in DuckDB.
        kind: DuckDB type that is sent.
        ddl: PostgreSQL type in the table.
        wire: PostgreSQL type name for binary COPY.
        ship: DuckDB expression that gives the value to send.
        is_same: the value is sent as it is, so that a checksum over the DuckDB column holds for the copy.
        comment: from the dictionary.
    """

    name: str
    kind: str
    ddl: str
    wire: str
    ship: str
    is_same: bool
    comment: str | None = None


def column(name: str, kind: str, comment: str | None = None) -> Column:
    """Return how a column of this DuckDB type goes to PostgreSQL.

    Numbers, texts, dates, times and one-dimensional lists of them keep their type; anything else (structs,
    maps, enums, UUIDs, intervals) becomes text: nested values as JSON.
    """
    quoted = ident(name)
    if kind in PLAIN:
        return Column(name, kind, PLAIN[kind], PLAIN[kind], quoted, True, comment)
    if kind in CAST:
        ddl, sent = CAST[kind]
        return Column(name, sent, ddl, ddl.split("(")[0], f"{quoted}::{sent}", False, comment)
    if kind.startswith("DECIMAL("):
        return Column(name, kind, "numeric" + kind.removeprefix("DECIMAL"), "numeric", quoted, True, comment)
    element = kind.removesuffix("[]")
    if kind.endswith("[]") and element in ELEMENTS:
        array = PLAIN[element] + "[]"
        return Column(name, kind, array, array, quoted, True, comment)
    nested = kind.startswith(NESTED) or re.search(r"\[\d*\]$", kind)
    text = f"to_json({quoted})::varchar" if nested else f"{quoted}::varchar"
    return Column(name, "VARCHAR", "text", "text", text, False, comment)


def csv_out(col: Column) -> str:
    """Return the PostgreSQL expression whose CSV text `csv_in` reads."""
    quoted = ident(col.name)
    if col.kind.endswith("[]"):
        return f"array_to_json({quoted})"
    return f"encode({quoted}, 'hex')" if col.kind == "BLOB" else quoted


def csv_in(col: Column) -> str:
    """Return the DuckDB expression that makes the sent value again from its CSV text."""
    quoted = ident(col.name)
    if col.kind.endswith("[]"):
        return f"from_json({quoted}, '[\"{col.kind.removesuffix('[]')}\"]')"
    return f"unhex({quoted})" if col.kind == "BLOB" else f"{quoted}::{col.kind}"
