"""`quality.failing_<check>`: the rows that do not hold, each with what a person needs to act on it.

Whatever the check looked at, a row begins with municipality, municipality_id, measure_id and year (null where
the check is not about one), then value_found, expected and reason, a sentence; then follow its own columns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ame_warehouse.quality.results import MAX_FAILING_ROWS, SMALL, failing_table

if TYPE_CHECKING:
    import duckdb

    from ame_warehouse.quality.register import Entry

LEAD = ("municipality", "municipality_id", "measure_id", "year", "value_found", "expected", "reason")
# what stands for a measure in tables that have no measure_id
MEASURES = ("composition_id", "category_id", "referral_source", "kpi_id", "dataset")
# how dbt's own generic tests call the value that they count
COUNTED = ("value_field", "unique_field", "from_field")
PLACES = (("marts", "dim_municipality"), ("staging", "stg_places"))
WHERE = "nullif(concat_ws(' ', municipality, municipality_id, measure_id, year), '') || ': '"


def write(con: duckdb.DuckDBPyConnection, entry: Entry, relation: str, looked_at: str | None = None) -> str:
    """Copy at most 1 000 rows of `relation` to `quality.failing_<check_id>`; return that name.

    Args:
        con: connection to the candidate, on which `relation` is a name.
        entry: the check's row of the register.
        relation: table or view with the failing rows.
        looked_at: text in which the columns stand that the check looked at (a name, a condition).

    Raises `duckdb.Error` when the relation is not there.
    """
    kinds = {
        name: kind
        for name, kind, *_ in con.execute(f"describe select * from {relation}").fetchall()  # noqa: S608
    }
    columns = list(kinds)
    broken = {name for name, kind in kinds.items() if kind in ("DOUBLE", "FLOAT")}
    names, join = _places(con, columns)
    lead = {
        "municipality": names,
        "municipality_id": _own(columns, "municipality_id"),
        "measure_id": _measure(columns),
        "year": _year(columns),
        "value_found": _found(columns, looked_at, broken),
        "expected": _own(columns, "expected", _text(entry.expected)),
    }
    # a column of a frame in which nothing stands has no type at all, which no other reader of the file knows
    own = [
        f'r."{name}"::varchar as "{name}"' if kind.strip('"') == "NULL" else f'r."{name}"'
        for name, kind in kinds.items()
        if name not in LEAD
    ]
    label = "label || ': '" if "label" in columns else WHERE
    found = "found" if "found" in columns else "value_found"
    says = f"{label}, '') || {_text(entry.says)}"
    reason = (
        f"coalesce({says} || ' Expected ' || expected || '; found ' || coalesce({found}, 'nothing') || '.'"
    )
    selected = ", ".join([*(f"{sql} as {name}" for name, sql in lead.items()), *own])
    table = failing_table(entry.check_id)
    con.execute("create schema if not exists quality")
    con.execute(
        f'create or replace table quality."{table}" as '  # noqa: S608
        f"select {', '.join(lead)}, {reason} as reason, * exclude ({', '.join(lead)}) "
        f"from (select {selected} from {relation} as r{join}) as rows limit {MAX_FAILING_ROWS}"
    )
    return f"quality.{table}"


def _places(con: duckdb.DuckDBPyConnection, columns: list[str]) -> tuple[str, str]:
    """Return the expression of the municipality's name, and the join that it needs."""
    if "municipality" in columns:
        return 'r."municipality"', ""
    if "municipality_id" not in columns:
        return "null::varchar", ""
    for schema, table in PLACES:
        known = con.execute(
            "select count(*) from information_schema.tables where table_schema = ? and table_name = ?",
            [schema, table],
        ).fetchone()
        if known and known[0]:
            on = "r.municipality_id::varchar = p.municipality_id"
            return 'p."municipality"', f" left join {schema}.{table} as p on {on}"
    return "null::varchar", ""


def _own(columns: list[str], name: str, otherwise: str = "null::varchar") -> str:
    return f'r."{name}"::varchar' if name in columns else otherwise


def _measure(columns: list[str]) -> str:
    if "measure_id" in columns:
        return 'r."measure_id"::varchar'
    parts = [f'r."{name}"::varchar' for name in MEASURES if name in columns]
    return f"nullif(concat_ws(' ', {', '.join(parts)}), '')" if parts else "null::varchar"


def _year(columns: list[str]) -> str:
    if "year" in columns:
        return 'try_cast(r."year" as integer)'
    for name in ("month", "period"):
        if name in columns:
            return f'try_cast(left(r."{name}"::varchar, 4) as integer)'
    return "null::integer"


def _found(columns: list[str], looked_at: str | None, broken: set[str]) -> str:
    """Return the expression of what was found: the columns that the check looked at, with their values.

    Numbers with a `broken` type are shown with two decimals, unless they are smaller than that.
    """
    words = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", looked_at or ""))
    named = [name for name in columns if name in words] or [name for name in columns if name in COUNTED]
    if not named and "n_rows" in columns:
        return "r.n_rows || ' rows'"
    if not named:
        return "null::varchar"
    values = {name: f'r."{name}"' for name in named}
    for name in broken & values.keys():
        cell = values[name]
        values[name] = f"case when abs({cell}) < {SMALL} then {cell} else round({cell}, 2) end"
    shown = [f"'{name} ' || coalesce(({value})::varchar, 'empty')" for name, value in values.items()]
    return f"concat_ws(', ', {', '.join(shown)})"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
