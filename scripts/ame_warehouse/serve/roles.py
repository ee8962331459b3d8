"""The two roles: `ame_publisher` owns everything, `ame_reader` reads the views and nothing else."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from ame_warehouse.errors import PublishError
from ame_warehouse.serve.dsn import run
from ame_warehouse.serve.names import ident

PUBLISHER = "ame_publisher"
READER = "ame_reader"
READER_STATEMENT_TIMEOUT = "5min"
READER_IDLE_TIMEOUT = "5min"
NO_PERMISSION = (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidGrantOperation)
KNOWN_SQL: LiteralString = "select 1 from pg_roles where rolname = %(role)s"


def setup_sql(login: str, database: str) -> list[str]:
    """Return the statements that a superuser runs once, for a login that may not create roles.

    Neither role has a password, so that nobody can log in with one until the administrator sets it.
    """
    return [
        f"create role {PUBLISHER} login",
        *reader_sql(),
        f"grant {PUBLISHER} to {ident(login)}",
        f"grant create, connect on database {ident(database)} to {PUBLISHER}",
    ]


def reader_sql() -> list[str]:
    """Return the statements that make the reading role with its limits."""
    return [
        f"create role {READER} login",
        f"alter role {READER} set default_transaction_read_only = on",
        f"alter role {READER} set statement_timeout = '{READER_STATEMENT_TIMEOUT}'",
        f"alter role {READER} set idle_in_transaction_session_timeout = '{READER_IDLE_TIMEOUT}'",
    ]


def prepare(con: psycopg.Connection[Any]) -> None:
    """Create what is missing of the two roles, and see that the login may act as the publisher.

    A role that exists keeps its settings. Raises `PublishError` with the SQL for the administrator when the
    login lacks the permission.
    """
    login, database = _one(con, "select session_user::text, current_database()::text")
    statements: list[str] = []
    if not _exists(con, PUBLISHER):
        statements.append(f"create role {PUBLISHER} login")
    if not _exists(con, READER):
        statements += reader_sql()
    try:
        with con.transaction():
            for statement in statements:
                run(con, statement)
        _join(con, login)
        if not _may_create(con):
            run(con, f"grant create, connect on database {ident(database)} to {PUBLISHER}")
            if not _may_create(con):  # a grant without the right to give it is only a warning
                raise psycopg.errors.InsufficientPrivilege(f"permission denied for database {database}")
    except NO_PERMISSION as exc:
        raise PublishError(
            "the login of AME_SERVE_DSN may not set up the roles; PostgreSQL is as it was",
            expected=f"roles {PUBLISHER} (with create on the database, granted to {login}) and {READER}",
            found=str(exc).splitlines()[0],
            action="let an administrator of the server run once (what exists can be left out):\n"
            + ";\n".join(setup_sql(login, database))
            + ";",
        ) from exc


def act(con: psycopg.Connection[Any]) -> None:
    """Within a transaction: act as the publisher, writing, without limits that the server may set."""
    run(
        con,
        f"set transaction read write; set local role {PUBLISHER}; set local statement_timeout = 0;"
        "set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = 0",
    )


def _join(con: psycopg.Connection[Any], login: str) -> None:
    """See that the login can take the role of the publisher; one who created it may grant it to himself."""
    try:
        with con.transaction():
            run(con, f"set local role {PUBLISHER}")
    except psycopg.errors.InsufficientPrivilege:
        run(con, f"grant {PUBLISHER} to {ident(login)}")
        with con.transaction():
            run(con, f"set local role {PUBLISHER}")


def _may_create(con: psycopg.Connection[Any]) -> bool:
    row = _one(con, f"select has_database_privilege('{PUBLISHER}', current_database(), 'create')")
    return bool(row[0])


def _exists(con: psycopg.Connection[Any], role: str) -> bool:
    return con.execute(KNOWN_SQL, {"role": role}).fetchone() is not None


def _one(con: psycopg.Connection[Any], text: str) -> Any:
    return run(con, text).fetchone()
