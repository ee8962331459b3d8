"""Connecting to PostgreSQL: the address is checked, the password is never shown, errors say what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import conninfo

from ame_warehouse.errors import PublishError, SettingsError

OLDEST_SERVER = 130_000
log = logging.getLogger(__name__)
SESSION = """
set standard_conforming_strings = on;
set datestyle = iso;
set timezone = 'UTC';
set extra_float_digits = 1;
set bytea_output = hex;
set client_min_messages = warning
"""


def parameters(dsn: str) -> dict[str, Any]:
    """Return the parts of AME_SERVE_DSN; raise `SettingsError` (without the text) when it has none."""
    try:
        return conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:  # its text may repeat the whole address, password included
        raise SettingsError(
            "AME_SERVE_DSN cannot be used",
            expected="an address such as postgresql://ame@db.example:5432/ame, or host=… dbname=… user=…",
            found="a text of another form (not shown: it may hold a password)",
            source="environment or .env",
            action="correct AME_SERVE_DSN; letters such as @ / : in a password are written %40 %2F %3A",
        ) from None


def shown(dsn: str) -> str:
    """Return where the address leads, without password and other particulars."""
    found = parameters(dsn)
    user = found.get("user")
    host = str(found.get("host") or found.get("hostaddr") or "local")
    port = f":{found['port']}" if found.get("port") else ""
    return f"postgresql://{user + '@' if user else ''}{host}{port}/{found.get('dbname') or user or ''}"


def hide(text: str, dsn: str) -> str:
    """Return the text without the password of the address, however it is written."""
    secrets = [str(found) for name, found in parameters(dsn).items() if "password" in name and found]
    for secret in secrets:
        for written in {secret, quote(secret), quote(secret, safe=""), repr(secret)[1:-1]}:
            text = text.replace(written, "***")
    return text


@contextmanager
def connection(dsn: str, application: str = "ame-warehouse") -> Iterator[psycopg.Connection[Any]]:
    """Open a connection in autocommit mode; a fault of the server within the block is a `PublishError`."""
    where = shown(dsn)
    defaults: dict[str, Any] = {"connect_timeout": 10, "application_name": application}
    given = parameters(dsn)
    extra = {name: text for name, text in defaults.items() if name not in given}
    try:
        con = psycopg.connect(dsn, autocommit=True, prepare_threshold=None, **extra)
    except psycopg.Error as exc:
        raise PublishError(
            "PostgreSQL cannot be reached; its readers keep the version they have",
            expected="a server that answers, a database that exists, a user who may connect",
            found=hide(_first_line(exc), dsn),
            source=where,
            action="check AME_SERVE_DSN and the server, then run `ame serve`",
        ) from None
    try:
        with con:
            con.execute(SESSION)
            _usable(con, where)
            yield con
    except PublishError as exc:
        exc.source = exc.source or where
        raise
    except psycopg.Error as exc:
        lost = exc.sqlstate is None or exc.sqlstate.startswith(("08", "57P"))
        raise PublishError(
            "the connection to PostgreSQL was lost; its readers keep a complete version"
            if lost
            else "PostgreSQL refused a step of the publication; its readers keep the version they have",
            expected="a server that stays up and carries out each step",
            found=hide(f"{type(exc).__name__}: {_first_line(exc)}", dsn),
            source=where,
            action="see the log of the server, then run `ame serve`; what was begun is removed or completed",
        ) from exc


def _usable(con: psycopg.Connection[Any], where: str) -> None:
    encoding = con.info.parameter_status("server_encoding")
    if con.info.server_version < OLDEST_SERVER or encoding != "UTF8":
        raise PublishError(
            "this PostgreSQL database cannot be used",
            expected="PostgreSQL 13 or newer, database encoding UTF8",
            found=f"version {con.info.parameter_status('server_version')}, encoding {encoding}",
            source=where,
            action="use a newer server, or a database made with `create database … encoding 'UTF8'`",
        )
    if con.execute("select pg_is_in_recovery()").fetchone() == (True,):
        raise PublishError(
            "this PostgreSQL server only reads: it is a standby",
            expected="the primary server",
            source=where,
            action="let AME_SERVE_DSN lead to the primary (or add target_session_attrs=read-write)",
        )


def run(con: psycopg.Connection[Any], text: str, values: dict[str, Any] | None = None) -> psycopg.Cursor[Any]:
    """Run SQL whose names and literals are already quoted; several statements only without values."""
    return con.execute(text.encode(), values)


def _first_line(exc: Exception) -> str:
    lines = str(exc).strip().splitlines()
    return lines[0] if lines else type(exc).__name__
