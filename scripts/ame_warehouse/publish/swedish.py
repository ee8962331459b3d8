"""Views with Swedish names: schema `svenska`, made from the seed `swedish_names`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.seeds import read_seed
from ame_warehouse.settings import Settings

SCHEMA = "svenska"
COLUMNS_SQL = """
select schema_name, table_name, list(column_name order by column_index)
from duckdb_columns()
where list_contains($schemas, schema_name)
group by all
order by all
"""
SwedishView = dict[str, Any]
"""`of`: the table behind it (`marts.costs`); `columns`: the Swedish names in the order of its columns."""


def definitions(settings: Settings, tables: dict[tuple[str, str], list[str]]) -> dict[str, SwedishView]:
    """Return the views by name (without schema) for tables that have a Swedish name.

    `tables` gives the columns by (schema, table). A column without a Swedish name keeps its English one.
    Raises `SeedError` when the seed cannot be read.
    """
    rows = read_seed(settings, "swedish_names", ("kind", "schema_name", "name", "name_sv"))
    columns = {row["name"]: row["name_sv"] for row in rows if row["kind"] == "column"}
    views: dict[str, SwedishView] = {}
    for row in rows:
        names = tables.get((row["schema_name"], row["name"])) if row["kind"] == "table" else None
        if names:
            views[row["name_sv"]] = {
                "of": f"{row['schema_name']}.{row['name']}",
                "columns": [columns.get(name, name) for name in names],
            }
    return views


def write_views(settings: Settings, warehouse: Path, schemas: tuple[str, ...]) -> dict[str, SwedishView]:
    """Make the views in a DuckDB file that nobody reads yet; return their definitions.

    Comments of tables and columns go along. Raises `duckdb.Error` and `SeedError`.
    """
    with duckdb.connect(str(warehouse)) as con:
        found = con.execute(COLUMNS_SQL, {"schemas": list(schemas)}).fetchall()
        tables = {(schema, table): list(names) for schema, table, names in found}
        views = definitions(settings, tables)
        con.execute(f"create schema {SCHEMA}")
        for view, made in views.items():
            schema, table = made["of"].split(".", 1)
            names = zip(tables[schema, table], made["columns"], strict=True)
            picked = ", ".join(f"{_ident(name)} as {_ident(swedish)}" for name, swedish in names)
            target = f"{SCHEMA}.{_ident(view)}"
            con.execute(f"create view {target} as select {picked} from {schema}.{_ident(table)}")  # noqa: S608
            con.execute(f"comment on view {target} is '{made['of']} with Swedish column names'")
        con.execute("checkpoint")
    return views


def _ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
