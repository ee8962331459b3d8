"""Copy one version into a schema of its own: tables, rows (binary COPY), keys, indexes, comments, statistics.

Everything happens in the caller's transaction: a copy that is interrupted leaves nothing. The rows are loaded
frozen, so that a transaction which is older than the copy sees them all, not none (a repeatable-read reader
that comes to the views after a publication would otherwise find empty tables).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import psycopg

from ame_warehouse.dictionary.project import RawTable, raw_tables
from ame_warehouse.errors import PublishError
from ame_warehouse.serve.dsn import run
from ame_warehouse.serve.names import ident, literal
from ame_warehouse.serve.source import Source, Table
from ame_warehouse.settings import PROJECT_ROOT

INDEXED = ("municipality_id", "measure_id", "year", "month", "group_id")
"""Columns that BI tools filter and join on: each has an index that starts with it."""
PUBLICATION = "quality_publication"


@cache
def publication() -> RawTable:
    """Return `quality.publication` as the dictionary has it: the names are those of the manifest."""
    return next(table for table in raw_tables(PROJECT_ROOT) if table.full_name == "quality.publication")


def copy_version(
    con: psycopg.Connection[Any], source: Source, schema: str, on_table: Callable[[str], None]
) -> None:
    """Create the schema with all tables of the version, in the caller's transaction."""
    run(con, f"create schema {ident(schema)}")
    run(con, f"comment on schema {ident(schema)} is {literal(f'ame-warehouse, version {source.version}')}")
    for table in source.tables:
        _create(con, schema, table)
        _fill(con, source, schema, table)
        _finish(con, schema, table)
        on_table(table.full_name)
    _publication(con, source, schema)


def _create(con: psycopg.Connection[Any], schema: str, table: Table) -> None:
    required = {*table.primary_key, *table.not_null}
    columns = [
        f"{ident(col.name)} {col.ddl}" + (" not null" if col.name in required else "")
        for col in table.columns
    ]
    # Never changed after this transaction, hence nothing for autovacuum to do.
    run(
        con,
        f"create table {ident(schema, table.pg_name)} ({', '.join(columns)}) "
        "with (autovacuum_enabled = false)",
    )


def _fill(con: psycopg.Connection[Any], source: Source, schema: str, table: Table) -> None:
    names = ", ".join(ident(col.name) for col in table.columns)
    sql = f"copy {ident(schema, table.pg_name)} ({names}) from stdin with (format binary, freeze)"
    try:
        with con.cursor() as cursor, cursor.copy(sql.encode()) as copy:
            copy.set_types([col.wire for col in table.columns])
            write = copy.write_row
            for rows in source.batches(table):
                for row in rows:
                    write(row)
    except psycopg.DataError as exc:
        raise _refused(table, "a value that PostgreSQL cannot hold", exc) from exc
    except psycopg.IntegrityError as exc:
        raise _refused(table, "a row that breaks a constraint", exc) from exc


def _finish(con: psycopg.Connection[Any], schema: str, table: Table) -> None:
    name = ident(schema, table.pg_name)
    statements: list[str] = []
    keys = [table.primary_key] if table.primary_key else []
    if table.primary_key:
        statements.append(f"alter table {name} add primary key ({_list(table.primary_key)})")
    for unique in table.unique:
        if unique not in keys:
            keys.append(unique)
            statements.append(f"alter table {name} add unique ({_list(unique)})")
    covered = {key[0] for key in keys}
    statements += [
        f"create index on {name} ({ident(col.name)})"
        for col in table.columns
        if col.name in INDEXED and col.name not in covered
    ]
    statements += comments(f"table {name}", name, table.comment, [(c.name, c.comment) for c in table.columns])
    statements.append(f"analyze {name}")
    try:
        run(con, ";\n".join(statements))
    except psycopg.IntegrityError as exc:
        raise _refused(table, "rows that are not unique by the key of the table", exc) from exc


def comments(
    target: str, name: str, comment: str | None, columns: Sequence[tuple[str, str | None]]
) -> list[str]:
    """Return the statements that comment a table or view and its columns."""
    found = [f"comment on {target} is {literal(comment.strip())}"] if comment else []
    return found + [
        f"comment on column {name}.{ident(column)} is {literal(text.strip())}"
        for column, text in columns
        if text
    ]


def _publication(con: psycopg.Connection[Any], source: Source, schema: str) -> None:
    name = ident(schema, PUBLICATION)
    said = publication()
    columns = ", ".join(f"{column} {kind}" for column, kind, _ in said.columns)
    run(con, f"create table {name} ({columns}) with (autovacuum_enabled = false)")
    with con.cursor() as cursor, cursor.copy(f"copy {name} from stdin with (freeze)".encode()) as copy:
        copy.write_row([source.manifest.get(column) for column, _, _ in said.columns])
    told = [(column, text) for column, _, text in said.columns]
    run(con, ";\n".join([*comments(f"table {name}", name, said.description, told), f"analyze {name}"]))


def _list(names: list[str]) -> str:
    return ", ".join(ident(name) for name in names)


def _refused(table: Table, what: str, exc: psycopg.Error) -> PublishError:
    detail = exc.diag.message_detail
    return PublishError(
        f"{table.full_name} has {what}; PostgreSQL keeps the version it has",
        found=str(exc).splitlines()[0] + (f" {detail}" if detail else ""),
        source=table.full_name,
        action="correct the model (its dbt tests name the key), then run `ame run` again",
    )
