"""Publish a version to PostgreSQL: copy, reconcile, move the views, check, drop what is old."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ame_warehouse.errors import PublishError, SettingsError
from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.serve import catalog, load, roles, views
from ame_warehouse.serve.catalog import Held
from ame_warehouse.serve.dsn import connection, run, shown
from ame_warehouse.serve.names import fit, ident, literal, schema_of
from ame_warehouse.serve.reconcile import reconcile
from ame_warehouse.serve.source import Source, open_source
from ame_warehouse.serve.views import Patience
from ame_warehouse.settings import Settings

KEEP_VERSIONS = 3
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """What a publication did.

    `where` has no password; `is_copied` is False when the version was there already; `attempts` to move the
    views (0: they showed it already); `dropped` and `in_use` are old versioned schemas: gone, and kept for
    the next time because a session still reads them.
    """

    version: str
    where: str
    schema: str
    tables: int
    rows: int
    is_copied: bool
    attempts: int
    seconds: float
    dropped: list[str] = field(default_factory=list)
    in_use: list[str] = field(default_factory=list)


def publish(
    settings: Settings,
    manifest: dict[str, Any] | None = None,
    *,
    patience: Patience | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Served:
    """Publish the version of the manifest (None: the published one) to AME_SERVE_DSN.

    `on_stage` hears `prepared`, `table <name>`, `copied`, `reconciled`, `committed`, `locked`, `replaced`,
    `moved`, `dropped <schema>`. Raises `SettingsError` when the address cannot be read and `PublishError`
    for everything else; readers then keep a complete version.
    """
    told = on_stage or (lambda _: None)
    body = manifest or read_manifest(settings)
    if not settings.serve_dsn:
        raise SettingsError(
            "there is no PostgreSQL to publish to",
            expected="the address in AME_SERVE_DSN, for example postgresql://ame@db.example/ame",
            source="environment or .env",
            action="set AME_SERVE_DSN",
        )
    if body is None:
        raise PublishError("nothing is published yet", action="run `ame run`, then `ame serve`")
    begun = time.monotonic()
    application = f"ame-warehouse {body.get('version')}"
    with open_source(settings, body) as source, connection(settings.serve_dsn, application) as con:
        roles.prepare(con)
        catalog.prepare(con)
        told("prepared")
        schema, is_copied, shows = _ensure_copied(con, settings, source, told)
        attempts = 0
        if not (shows and _shows(con, source)):
            attempts = views.move(con, source, schema, patience or Patience(), told)
            told("moved")
            _check_views(con, source)
        dropped, in_use = _drop_old(con, told)
        served = Served(
            version=source.version,
            where=shown(settings.serve_dsn),
            schema=schema,
            tables=len(source.tables),
            rows=sum(table.rows for table in source.tables),
            is_copied=is_copied,
            attempts=attempts,
            seconds=round(time.monotonic() - begun, 2),
            dropped=dropped,
            in_use=in_use,
        )
    log.info(
        "PostgreSQL %s shows %s: %d tables, %d rows, %s, %.1f s",
        served.where,
        served.version,
        served.tables,
        served.rows,
        "copied and reconciled" if is_copied else "was there already, reconciled",
        served.seconds,
    )
    return served


def shown_version(settings: Settings) -> str | None:
    """Return the version that the views of PostgreSQL show, None when nothing has been published there."""
    with connection(settings.serve_dsn) as con:
        found = run(con, "select to_regclass('quality.publication') is not null").fetchone()
        if found != (True,):
            return None
        row = run(con, "select version from quality.publication").fetchone()
        return str(row[0]) if row else None


def _ensure_copied(
    con: psycopg.Connection[Any], settings: Settings, source: Source, told: Callable[[str], None]
) -> tuple[str, bool, bool]:
    """Return (schema that holds the version, whether it was copied now, whether it is the one shown)."""
    spill = settings.build / "spill"
    wanted = {table.full_name: [table.rows, table.digest] for table in source.tables}
    with catalog.transaction(con):
        held = catalog.versions(con)
        _remove_leftovers(con, held)
        for row in held:
            if row.version == source.version and row.content == wanted and _is_whole(con, source, row, spill):
                return row.schema, False, row is held[0] and row.is_published
        taken = set(catalog.versioned_schemas(con))
        numbers = range(1, len(taken) + 2)
        schema = next(name for n in numbers if (name := schema_of(source.version, n)) not in taken)
        load.copy_version(con, source, schema, lambda table: told(f"table {table}"))
        told("copied")
        catalog.remember(con, schema, source.version, reconcile(con, source, schema, spill))
        told("reconciled")
    told("committed")
    return schema, True, False


def _is_whole(con: psycopg.Connection[Any], source: Source, row: Held, spill: Any) -> bool:
    """True when a version that was copied before still holds every value."""
    try:
        with con.transaction():
            reconcile(con, source, row.schema, spill)
    except (PublishError, psycopg.ProgrammingError) as exc:
        log.warning("the copy of %s in %s is not whole and is made again: %s", row.version, row.schema, exc)
        return False
    return True


def _shows(con: psycopg.Connection[Any], source: Source) -> bool:
    """True when all views are there, readable, and as many rows stand behind them as should."""
    try:
        _check_views(con, source)
    except (PublishError, psycopg.ProgrammingError):
        return False
    return True


def _check_views(con: psycopg.Connection[Any], source: Source) -> None:
    """See through the views: the version, the rows of every table, the reader's right to read them."""
    wanted = views.views(source)
    rows = {ident(table.schema, fit(table.name)): table.rows for table in source.tables}
    rows[ident("quality", "publication")] = 1
    counted = []
    for view in wanted:
        some = "" if view.full_name in rows else "limit 0"  # the Swedish ones: that they answer is enough
        name = literal(view.full_name)
        rows_sql = f"(select count(*) from (select 1 from {view.full_name} {some}) s)"  # noqa: S608
        counted.append(f"select {name}, {rows_sql}, has_table_privilege('{roles.READER}', {name}, 'select')")
    sql = "\nunion all\n".join([*counted, "select version, -1, true from quality.publication"])
    with con.transaction():
        roles.act(con)
        found = {row[0]: (row[1], row[2]) for row in run(con, sql).fetchall()}
    expected = {view.full_name: (rows.get(view.full_name, 0), True) for view in wanted}
    expected[source.version] = (-1, True)
    if found != expected:
        wrong = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
        raise PublishError(
            "the views of PostgreSQL do not show the published version",
            expected=f"version {source.version}; {wrong[0]}: {expected.get(wrong[0])} (rows, readable)",
            found=f"{wrong[0]}: {found.get(wrong[0])}; {len(wrong)} differ",
            action="see if another process publishes to this database, then run `ame serve`",
        )


def _remove_leftovers(con: psycopg.Connection[Any], held: list[Held]) -> None:
    """Remove versioned schemas that nobody noted, and notes of schemas that are gone."""
    noted = {row.schema for row in held}
    there = set(catalog.versioned_schemas(con))
    for schema in sorted(there - noted):
        log.warning("removing %s: left by a publication that was not finished", schema)
        _drop(con, schema)
    for schema in sorted(noted - there):
        run(con, f"delete from ame_serve.versions where schema_name = {literal(schema)}")  # noqa: S608
    held[:] = [row for row in held if row.schema in there]


def _drop_old(con: psycopg.Connection[Any], told: Callable[[str], None]) -> tuple[list[str], list[str]]:
    """Drop all but the newest three versions, except what a session still reads: that is tried next time."""
    with catalog.transaction(con):
        old = catalog.versions(con)[KEEP_VERSIONS:]
    dropped: list[str] = []
    in_use: list[str] = []
    for row in old:
        try:
            with catalog.transaction(con):
                _drop(con, row.schema)
                run(con, f"delete from ame_serve.versions where schema_name = {literal(row.schema)}")  # noqa: S608
        except (*views.IN_THE_WAY, psycopg.errors.DependentObjectsStillExist) as exc:
            log.info("%s is kept until the next publication: %s", row.schema, str(exc).splitlines()[0])
            in_use.append(row.schema)
        else:
            dropped.append(row.schema)
            told(f"dropped {row.schema}")
    return dropped, in_use


def _drop(con: psycopg.Connection[Any], schema: str) -> None:
    """Drop a versioned schema and its tables; never anything of others that depends on them."""
    rows = run(
        con,
        f"select tablename from pg_tables where schemaname = {literal(schema)} order by 1",  # noqa: S608
    ).fetchall()
    names = ", ".join(ident(schema, row[0]) for row in rows)
    run(con, "set local lock_timeout = '500ms'")
    if names:
        run(con, "set local statement_timeout = '800ms'")
        run(con, f"lock table {names} in access exclusive mode")
        run(con, "set local statement_timeout = 0")
        run(con, f"drop table {names}")
    run(con, f"drop schema {ident(schema)}")
