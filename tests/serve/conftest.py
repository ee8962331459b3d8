"""Fixtures: one PostgreSQL server for the session, a database and an AME_HOME for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo
from tests.serve.postgres_server import World, server

from ame_warehouse.settings import PROJECT_ROOT, Settings

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def superuser() -> Iterator[str]:
    with server() as dsn:
        yield dsn


@pytest.fixture
def world(superuser: str, tmp_path: Path) -> Iterator[World]:
    database = f"ame_test_{next(numbers)}"
    with psycopg.connect(superuser, autocommit=True) as con:
        con.execute(f"create database {database} encoding 'UTF8' template template0".encode())
    dsn = conninfo.make_conninfo(superuser, dbname=database)
    project = tmp_path / "no_git"
    project.mkdir()
    (project / "expectations").symlink_to(PROJECT_ROOT / "expectations")
    settings = Settings(home=tmp_path / "home", project=project, serve_dsn=dsn, _env_file=None)
    yield World(dsn, settings)
    with psycopg.connect(superuser, autocommit=True) as con:
        con.execute(f"drop database {database} with (force)".encode())
