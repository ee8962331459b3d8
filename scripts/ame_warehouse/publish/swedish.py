"""Views with Swedish names: schema `svenska`, made from the seed `swedish_names` of the same build."""

from __future__ import annotations

from typing import Any

import duckdb

SCHEMA = "svenska"
NAMES_SQL = """
select kind, coalesce(schema_name, ''), name, name_sv
from candidate.seeds.swedish_names
order by kind, schema_name, name
"""
HAS_NAMES_SQL = """
select count(*) from duckdb_tables()
where database_name = 'candidate' and schema_name = 'seeds' and table_name = 'swedish_names'
"""
COLUMNS_SQL = """
select schema_name, table_name, list(column_name order by column_index)
from duckdb_columns()
where database_name = 'published'
group by all
order by all
"""
SwedishView = dict[str, Any]
"""`of`: the table behind it (`marts.costs`); `columns`: the Swedish names in the order of its columns."""


def write_views(con: duckdb.DuckDBPyConnection) -> dict[str, SwedishView]:
    """Make the views in the attached database `published`; return their definitions by name.

    The names come from the attached database `candidate`; without the seed there are no views. A column
    without a Swedish name keeps its English one.
    """
    if con.execute(HAS_NAMES_SQL).fetchone() == (0,):
        return {}
    names = con.execute(NAMES_SQL).fetchall()
    swedish = {name: shown for kind, _, name, shown in names if kind == "column"}
    found = con.execute(COLUMNS_SQL).fetchall()
    tables = {(schema, table): list(columns) for schema, table, columns in found}
    views: dict[str, SwedishView] = {}
    con.execute(f"create schema if not exists published.{SCHEMA}")
    con.execute("use published.marts")  # the views must not name the database: readers open it under others
    for kind, schema, table, view in names:
        columns = tables.get((schema, table)) if kind == "table" else None
        if not columns:
            continue
        shown = [swedish.get(name, name) for name in columns]
        pairs = zip(columns, shown, strict=True)
        picked = ", ".join(f"{_ident(name)} as {_ident(label)}" for name, label in pairs)
        target = f"{SCHEMA}.{_ident(view)}"
        con.execute(f"create view {target} as select {picked} from {schema}.{_ident(table)}")  # noqa: S608
        con.execute(f"comment on view {target} is '{schema}.{table} with Swedish column names'")
        views[view] = {"of": f"{schema}.{table}", "columns": shown}
    con.execute("use memory")
    return views


def _ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
