"""`quality.dictionary`, and the comments of tables and columns: the dictionary inside the published file."""

from __future__ import annotations

from typing import Any

import duckdb

from ame_warehouse.dictionary.entries import TableEntry, entry_of
from ame_warehouse.dictionary.project import SCHEMAS, RawTable, raw_tables, seeds
from ame_warehouse.settings import Settings

DDL = """
create or replace table quality.dictionary (
    schema_name varchar not null,
    table_name varchar not null,
    column_name varchar not null,
    "position" integer not null,
    label_sv varchar,
    data_type varchar not null,
    is_key boolean not null,
    meaning varchar not null,
    unit varchar not null,
    denominator varchar,
    source_ids varchar not null,
    source varchar not null,
    kpi_ids varchar,
    data_from_year integer,
    since date not null,
    caveats varchar,
    primary key (schema_name, table_name, column_name)
)
"""
COLUMNS_SQL = """
select schema_name, table_name, list([column_name, data_type] order by column_index)
from duckdb_columns()
where database_name = $database and list_contains($schemas, schema_name) and not internal
group by all
order by all
"""
FAILING = "Rows that a check found to be wrong, at most 1 000; the check is in quality.check_results."
UNNAMED = "As in the table that the check reads, or computed by the check (see quality.check_results)."


def describe(con: duckdb.DuckDBPyConnection, settings: Settings, database: str) -> list[TableEntry]:
    """Return the dictionary of the tables that an attached database has, in their order of columns.

    Tables that the project does not describe are the failing rows of checks: their columns are explained by
    those of the same name. Empty without a dbt project.
    """
    raw = {table.full_name: table for table in raw_tables(settings.project)}
    if not raw:
        return []
    known = seeds(settings)
    meanings = {name: text for table in raw.values() for name, _, text in table.columns}
    found: list[TableEntry] = []
    asked = {"schemas": list(SCHEMAS), "database": database}
    for schema, name, columns in con.execute(COLUMNS_SQL, asked).fetchall():
        said = raw.get(f"{schema}.{name}")
        texts = {column: text for column, _, text in said.columns} if said else meanings
        described = RawTable(
            schema=schema,
            name=name,
            description=said.description if said else FAILING,
            columns=[(column, kind, texts.get(column, UNNAMED)) for column, kind in columns],
            key=said.key if said else [],
            references=said.references if said else [],
        )
        found.append(entry_of(described, known))
    return found


def write_dictionary(con: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Write `quality.dictionary` (made anew) and all comments on a connection to the candidate.

    Returns the number of columns described, 0 without a dbt project.
    """
    if not raw_tables(settings.project):
        return 0
    con.execute("create schema if not exists quality")
    con.execute(DDL)
    row = con.execute("select current_database()").fetchone()
    tables = describe(con, settings, row[0] if row else "")
    rows = [entry.as_row() for table in tables for entry in table.columns]
    marks = ", ".join(f"${name}" for name in rows[0])
    con.executemany(f"insert into quality.dictionary values ({marks})", rows)  # noqa: S608
    _comment(con, tables)
    return len(rows)


def _comment(con: duckdb.DuckDBPyConnection, tables: list[TableEntry]) -> None:
    views = {
        (schema, name)
        for schema, name in con.execute(
            "select schema_name, view_name from duckdb_views() where database_name = current_database()"
        ).fetchall()
    }
    con.execute("begin")
    for table in tables:
        kind = "view" if (table.schema, table.name) in views else "table"
        name = f'{table.schema}."{table.name}"'
        con.execute(f"comment on {kind} {name} is {_literal(table.description)}")
        for entry in table.columns:
            con.execute(f'comment on column {name}."{entry.column}" is {_literal(entry.comment())}')
    con.execute("commit")


def _literal(text: Any) -> str:
    return "'" + str(text).replace("'", "''") + "'"
