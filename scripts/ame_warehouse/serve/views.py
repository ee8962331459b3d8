"""The names that readers use: views of `marts`, `quality`, `svenska`, moved to a version in one go.

A reader's transaction holds the views that it has read until it ends, and the move needs all of them: so a
transaction sees one version from its first read to its end. The move waits less than the server's
`deadlock_timeout` for the readers, gives way, and comes back after a pause; readers that come meanwhile wait
that fraction of a second and never fail.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from ame_warehouse.errors import PublishError
from ame_warehouse.serve import catalog, load, roles
from ame_warehouse.serve.dsn import run
from ame_warehouse.serve.names import fit, ident
from ame_warehouse.serve.source import Source

log = logging.getLogger(__name__)
FIRST_WAIT_S = 0.03
IN_THE_WAY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
)
EXISTING_SQL = """
select n.nspname, c.relname, c.relkind::text, pg_get_userbyid(c.relowner)::text,
    coalesce(array_agg(a.attname::text || ' ' || format_type(a.atttypid, a.atttypmod) order by a.attnum)
        filter (where a.attnum > 0 and not a.attisdropped), '{}')
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'v', 'm', 'f', 'p')
group by 1, 2, 3, 4
"""
BLOCKERS_SQL = """
select distinct a.pid, a.usename::text, a.application_name, a.client_addr::text,
    round(extract(epoch from clock_timestamp() - a.xact_start))::text
from pg_locks l
join pg_stat_activity a using (pid)
where l.relation = any(%(relations)s::regclass[]) and l.granted and l.pid <> pg_backend_pid()
order by 1
"""


@dataclass(frozen=True)
class View:
    """A view over a table of the versioned schema; `columns`: name in the view, in the table, comment."""

    schema: str
    name: str
    table: str
    columns: list[tuple[str, str, str | None]]
    comment: str | None

    @property
    def full_name(self) -> str:
        """The quoted name."""
        return ident(self.schema, self.name)


@dataclass(frozen=True)
class Patience:
    """How long the move of the views waits for readers.

    Args:
        lock_s: at most so long at a time (never more than 80 % of the server's deadlock_timeout). The first
            attempts wait for a fraction of it: a reader who waits for us while we wait for him loses little.
        total_s: after so long the publication gives up until next time. The default is longer than the limits
            of `ame_reader`, so that one statement of a reader cannot make a publication fail.
        pause_s: longest pause between two attempts.
    """

    lock_s: float = 0.8
    total_s: float = 330.0
    pause_s: float = 5.0


def views(source: Source) -> list[View]:
    """Return the views of a version: each table, `quality.publication`, and those with Swedish names."""
    found: list[View] = []
    for table in source.tables:
        columns = [(col.name, col.name, col.comment) for col in table.columns]
        found.append(View(table.schema, fit(table.name), table.pg_name, columns, table.comment))
    said = load.publication()
    told: list[tuple[str, str, str | None]] = [(name, name, text) for name, _, text in said.columns]
    found.append(View(said.schema, said.name, load.PUBLICATION, told, said.description))
    by_name = {table.full_name: table for table in source.tables}
    for name, made in (source.manifest.get("swedish_views") or {}).items():
        table = by_name[made["of"]]
        pairs = zip(made["columns"], table.columns, strict=True)
        swedish = [(fit(shown), col.name, col.comment) for shown, col in pairs]
        comment = f"{table.full_name} with Swedish column names. {table.comment or ''}"
        found.append(View("svenska", fit(name), table.pg_name, swedish, comment))
    return found


def move(
    con: psycopg.Connection[Any],
    source: Source,
    schema: str,
    patience: Patience,
    on_stage: Callable[[str], None],
) -> int:
    """Let the views show the version in `schema`; return the number of attempts.

    Raises `PublishError` that names the sessions in the way when the patience ends; the views are as they
    were.
    """
    wanted = views(source)
    end = time.monotonic() + patience.total_s
    attempt = 0
    while True:
        attempt += 1
        try:
            with catalog.transaction(con):
                wait_s = min(patience.lock_s, FIRST_WAIT_S * 2 ** min(attempt - 1, 10))
                _move_once(con, wanted, schema, wait_s, on_stage)
            return attempt
        except IN_THE_WAY as exc:
            blockers = _blockers(con, wanted)
            if time.monotonic() > end:
                raise PublishError(
                    "readers hold the views of PostgreSQL; they keep the version they have",
                    expected=f"a moment without open transactions on them within {patience.total_s:g} s",
                    found=blockers or "sessions that have ended meanwhile",
                    action="let them end (or pg_terminate_backend(pid)), then run `ame serve`: what has "
                    "been copied is not copied again",
                ) from exc
            log.debug("attempt %d to move the views: %s in the way", attempt, blockers or "a reader")
            pause = min(patience.pause_s, FIRST_WAIT_S * 2 ** min(attempt, 10)) * random.uniform(0.5, 1)  # noqa: S311
            time.sleep(min(pause, max(0.0, end - time.monotonic())))


def _move_once(
    con: psycopg.Connection[Any],
    wanted: list[View],
    schema: str,
    wait_s: float,
    on_stage: Callable[[str], None],
) -> None:
    held = catalog.versions(con)
    ours = {pair for version in held for pair in version.views if version.is_published}
    rows = run(con, EXISTING_SQL, {"schemas": list(catalog.PUBLIC_SCHEMAS)}).fetchall()
    existing = {(row[0], row[1]): row for row in rows}
    _refuse_foreign([existing[pair] for view in wanted if (pair := (view.schema, view.name)) in existing])
    names = {(view.schema, view.name) for view in wanted}
    locked = sorted((ours | names) & {pair for pair, row in existing.items() if row[2] == "v"})
    if locked:
        milliseconds = max(1, int(1000 * min(wait_s, 0.8 * _deadlock_timeout(con))))
        run(con, f"set local lock_timeout = {milliseconds}; set local statement_timeout = {milliseconds}")
        run(con, f"lock table {', '.join(ident(*pair) for pair in locked)} in access exclusive mode")
        run(con, "set local statement_timeout = 0")
    on_stage("locked")
    statements = [f"drop view {ident(*pair)}" for pair in locked if pair not in names]
    for view in wanted:
        is_kept = _kept(con, existing.get((view.schema, view.name)), view, schema)
        statements += _statements(view, schema, is_kept)
    try:
        run(con, ";\n".join(statements))
    except psycopg.errors.DependentObjectsStillExist as exc:
        raise PublishError(
            "a view of PostgreSQL has other columns now, and objects of others depend on it",
            expected="nothing of others that depends on a view whose columns change",
            found=f"{str(exc).splitlines()[0]}: {exc.diag.message_detail}",
            action="drop that object, run `ame serve`, and make it again",
        ) from exc
    catalog.published(con, schema, sorted(names))
    on_stage("replaced")


def _statements(view: View, schema: str, is_kept: bool) -> list[str]:
    picked = ", ".join(f"{ident(source)} as {ident(shown)}" for shown, source, _ in view.columns)
    found = [] if is_kept else [f"drop view if exists {view.full_name}"]
    table = ident(schema, view.table)
    found.append(f"create or replace view {view.full_name} as select {picked} from {table}")  # noqa: S608
    told = [(shown, text) for shown, _, text in view.columns]
    found += load.comments(f"view {view.full_name}", view.full_name, view.comment, told)
    found.append(f"grant select on {view.full_name} to {roles.READER}")
    return found


def _kept(con: psycopg.Connection[Any], row: Any, view: View, schema: str) -> bool:
    """True when the existing view can be replaced in place: its columns are the first ones of the new."""
    if row is None:
        return True
    types = dict(
        run(
            con,
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute "
            "where attrelid = %(table)s::regclass and attnum > 0",
            {"table": ident(schema, view.table)},
        ).fetchall()
    )
    new = [f"{shown} {types[source]}" for shown, source, _ in view.columns]
    return bool(new[: len(row[4])] == row[4])


def _refuse_foreign(rows: list[Any]) -> None:
    foreign = [row for row in rows if row[2] != "v" or row[3] != roles.PUBLISHER]
    if foreign:
        raise PublishError(
            "a name that the publication needs belongs to somebody else",
            expected=f"views owned by {roles.PUBLISHER}, or nothing",
            found=", ".join(f"{row[0]}.{row[1]} (owner {row[3]})" for row in foreign),
            action="rename or drop it, or publish to a database of its own; then run `ame serve`",
        )


def _deadlock_timeout(con: psycopg.Connection[Any]) -> float:
    row = run(con, "select setting::float / 1000 from pg_settings where name = 'deadlock_timeout'").fetchone()
    return float(row[0]) if row else 1.0


def _blockers(con: psycopg.Connection[Any], wanted: list[View]) -> str:
    """Return who holds the views now, as far as the login may see it."""
    known = run(
        con,
        "select array_agg(name) from unnest(%(names)s::text[]) as name where to_regclass(name) is not null",
        {"names": [view.full_name for view in wanted]},
    ).fetchone()
    rows = run(con, BLOCKERS_SQL, {"relations": (known[0] if known else None) or []}).fetchall()
    return "; ".join(
        f"pid {pid}, user {user}"
        + (f", {application}" if application else "")
        + (f", from {address}" if address else "")
        + (f", in a transaction for {seconds} s" if seconds else "")
        for pid, user, application, address, seconds in rows
    )
