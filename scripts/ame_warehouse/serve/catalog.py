"""What PostgreSQL holds of us: the versioned schemas, and `ame_serve` with a row for each of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from ame_warehouse.errors import PublishError
from ame_warehouse.serve import roles
from ame_warehouse.serve.dsn import run
from ame_warehouse.serve.names import VERSIONED

PUBLIC_SCHEMAS = ("marts", "quality", "svenska")
ADVISORY_LOCK = 7_061_629_511_734_902_881
SETUP = f"""
create schema if not exists ame_serve;
create table if not exists ame_serve.versions (
    schema_name text primary key,
    version text not null,
    content jsonb not null,
    copied_at timestamptz not null default clock_timestamp(),
    published_at timestamptz,
    views jsonb not null default '[]'
);
comment on schema ame_serve is 'Bookkeeping of ame-warehouse: which versions are here.';
comment on table ame_serve.versions is
'One row per copied version; the one with the newest published_at is the one that the views show.';
comment on column ame_serve.versions.content is 'Rows and checksum of each table, as verified after copying.';
comment on column ame_serve.versions.views is 'The views (schema, name) that showed this version.';
create schema if not exists marts;
create schema if not exists quality;
create schema if not exists svenska;
grant usage on schema marts, quality, svenska to {roles.READER}
"""
VERSIONS_SQL = """
select schema_name, version, content, copied_at, published_at, views from ame_serve.versions
order by published_at desc nulls last, copied_at desc
"""
SCHEMAS_SQL = """
select nspname from pg_namespace where pg_get_userbyid(nspowner) = %(owner)s order by nspname
"""


@dataclass(frozen=True)
class Held:
    """A version that has been copied.

    `content` is `{table: [rows, checksum]}`; `views` are the (schema, name) that showed it.
    """

    schema: str
    version: str
    content: dict[str, list[Any]]
    is_published: bool
    views: list[tuple[str, str]]


@contextmanager
def transaction(con: psycopg.Connection[Any], patience_s: float = 10.0) -> Iterator[None]:
    """A transaction as the publisher, one publisher at a time.

    Waits for another publisher (or for what the server has not yet noticed of a killed one), then raises
    `PublishError` that says who it is.
    """
    end = time.monotonic() + patience_s
    while True:
        with con.transaction():
            roles.act(con)
            if run(con, f"select pg_try_advisory_xact_lock({ADVISORY_LOCK})").fetchone() == (True,):
                yield
                return
        if time.monotonic() > end:
            raise PublishError(
                "another publication to this database is not finished",
                expected="one publication at a time",
                found=_holder(con),
                action="wait for it, then run `ame serve`; a session that hangs is ended with "
                "pg_terminate_backend(pid)",
            )
        time.sleep(0.2)


def prepare(con: psycopg.Connection[Any]) -> None:
    """Make the bookkeeping and the public schemas; raise `PublishError` when a name is somebody else's."""
    try:
        with transaction(con):
            run(con, SETUP)
    except psycopg.errors.InsufficientPrivilege as exc:
        raise PublishError(
            "a schema that the publication needs belongs to somebody else",
            expected=f"ame_serve, {', '.join(PUBLIC_SCHEMAS)}: owned by {roles.PUBLISHER}, or not there",
            found=str(exc).splitlines()[0],
            action=f"publish to a database of its own, or `alter schema … owner to {roles.PUBLISHER}`",
        ) from exc


def versions(con: psycopg.Connection[Any]) -> list[Held]:
    """Return the copied versions, the one that the views show first; in a transaction as the publisher."""
    return [
        Held(
            schema=row[0],
            version=row[1],
            content=row[2],
            is_published=row[4] is not None,
            views=[(schema, name) for schema, name in row[5]],
        )
        for row in run(con, VERSIONS_SQL).fetchall()
    ]


def remember(con: psycopg.Connection[Any], schema: str, version: str, content: dict[str, list[Any]]) -> None:
    """Note a version that has been copied and found equal."""
    con.execute(
        "insert into ame_serve.versions (schema_name, version, content) values (%s, %s, %s)",
        (schema, version, json.dumps(content)),
    )


def published(con: psycopg.Connection[Any], schema: str, views: list[tuple[str, str]]) -> None:
    """Note which version the views show from the end of this transaction on."""
    con.execute(
        "update ame_serve.versions set published_at = clock_timestamp(), views = %s where schema_name = %s",
        (json.dumps(views), schema),
    )


def versioned_schemas(con: psycopg.Connection[Any]) -> list[str]:
    """Return the versioned schemas that belong to the publisher, noted or not."""
    rows = run(con, SCHEMAS_SQL, {"owner": roles.PUBLISHER}).fetchall()
    return [row[0] for row in rows if VERSIONED.fullmatch(row[0])]


def _holder(con: psycopg.Connection[Any]) -> str:
    rows = con.execute(
        "select a.pid, a.usename, a.application_name from pg_locks l join pg_stat_activity a using (pid) "
        "where l.locktype = 'advisory' and l.granted and (l.classid::bigint << 32) + l.objid::bigint = %s",
        (ADVISORY_LOCK,),
    ).fetchall()
    return "; ".join(f"pid {row[0]}, {row[1]}, {row[2]}" for row in rows) or "it has just ended"
