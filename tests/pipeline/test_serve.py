"""A run with AME_SERVE_DSN: PostgreSQL holds what was published, even when nothing had to be built."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo
from tests.pipeline.home import ame
from tests.serve.postgres_server import server

pytestmark = pytest.mark.pipeline
KEYLESS = ("quality.failing_", "quality.findings")


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with server() as superuser:
        with psycopg.connect(superuser, autocommit=True) as con:
            con.execute("create database ame_sample encoding 'UTF8' template template0")
        yield conninfo.make_conninfo(superuser, dbname="ame_sample")


def test_a_run_that_builds_nothing_still_brings_postgresql_up_to_date(used_home: Path, dsn: str) -> None:
    manifest = json.loads((used_home / "published" / "manifest.json").read_text())
    done = ame(used_home, "run", "--json", AME_SERVE_DSN=dsn)
    assert done.status == 0, done.stderr
    with psycopg.connect(conninfo.make_conninfo(dsn, user="ame_reader"), autocommit=True) as con:
        assert con.execute("select version, as_of::text from quality.publication").fetchall() == [
            (manifest["version"], manifest["as_of"].replace("T", " ").removesuffix("Z"))
        ]
        for name, rows in manifest["row_counts"].items():
            assert con.execute(f"select count(*) from {name}".encode()).fetchone() == (rows,), name
        keys = con.execute(
            "select distinct replace(relname::text, '_', '.') from pg_class c "
            "join pg_constraint k on k.conrelid = c.oid "
            "where k.contype = 'p' and relname ~ '^(marts|quality)_'"
        ).fetchall()
        expected = [name for name in manifest["row_counts"] if not name.startswith(KEYLESS)]
        assert {row[0] for row in keys} == {name.replace("_", ".") for name in expected}
        views = con.execute("select count(*) from pg_views where schemaname = 'svenska'").fetchone()
        assert views == (len(manifest["swedish_views"]),)
        shown = con.execute(
            "select deltagare from svenska.deltagare where kommun = 'Kungsbacka' and år = 2019 and kön = 'T'"
        )
        assert shown.fetchall() == [(934.0,)]
    again = ame(used_home, "serve", AME_SERVE_DSN=dsn)
    assert (again.status, "was there already" in again.stdout) == (0, True), again.stderr


def test_an_address_that_leads_nowhere_is_an_incident_and_ame_serve_says_why(used_home: Path) -> None:
    secret = "hemligt-lösen"
    dsn = f"host=/nowhere dbname=ame user=ame password={secret}"
    run = ame(used_home, "run", "--json", AME_SERVE_DSN=dsn)
    assert run.status == 0, run.stderr
    incidents = ame(used_home, "incidents", "--json", AME_SERVE_DSN=dsn)
    assert "postgres_publication" in incidents.stdout
    serve = ame(used_home, "serve", AME_SERVE_DSN=dsn)
    assert serve.status == 1
    assert "PostgreSQL cannot be reached" in serve.stderr
    assert serve.stderr.count("Traceback") == 0
    for done in (run, incidents, serve):
        assert secret not in done.stdout + done.stderr
    for path in used_home.rglob("*"):
        if path.is_file() and path.suffix in {".log", ".json", ".sqlite", ".db"}:
            assert secret.encode() not in path.read_bytes(), path
