"""Readers during publications: no error, nothing empty, one version in a statement and in a transaction."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from tests.serve.postgres_server import ROWS, World, build, version_name

from ame_warehouse.errors import PublishError
from ame_warehouse.serve import postgres
from ame_warehouse.serve.views import Patience

PUBLICATIONS = 16
ONE = "select count(*), min(year), max(year) from {}"
BOTH = (
    "select (select count(*) from marts.participants), p.low, p.high, c.low, c.high, g.low, g.high from "
    "(select min(year) low, max(year) high from marts.participants) p, "
    "(select min(year) low, max(year) high from marts.costs) c, "
    "(select min(år) low, max(år) high from svenska.luckor) g"
)


Read = Callable[[psycopg.Connection[Any]], list[int]]


class Reader(threading.Thread):
    """Reads in a loop; `faults` says what was wrong, `seen` which versions were seen in which order."""

    def __init__(self, world: World, read: Read, **options: Any) -> None:
        super().__init__(daemon=True)
        self.world, self.read, self.options = world, read, options
        self.faults: list[str] = []
        self.seen: list[int] = []
        self.reads = 0
        self.slowest = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        try:
            with self.world.connect("ame_reader", **self.options) as con:
                while not self.done.is_set():
                    begun = time.monotonic()
                    found = self.read(con)
                    self.slowest = max(self.slowest, time.monotonic() - begun)
                    self.reads += 1
                    if len(set(found)) != 1:
                        self.faults.append(f"mixed or empty: {found}")
                    self.seen.append(found[0])
                    time.sleep(0.002)
        except psycopg.Error as exc:
            self.faults.append(f"{type(exc).__name__}: {exc}")


def versions(row: Any) -> list[int]:
    """Return the versions in a row that begins with a count; an empty table gives -1."""
    return [-1] if row[0] != ROWS or None in row else list(row[1:])


def one_statement(con: psycopg.Connection[Any]) -> list[int]:
    return versions(con.execute(ONE.format("marts.participants").encode()).fetchone())


def joined(con: psycopg.Connection[Any]) -> list[int]:
    return versions(con.execute(BOTH.encode()).fetchone())


def two_statements(con: psycopg.Connection[Any]) -> list[int]:
    with con.transaction():
        first = con.execute(ONE.format("quality.gaps").encode()).fetchone()
        time.sleep(0.002)
        return versions(first) + versions(con.execute(ONE.format("marts.participants").encode()).fetchone())


def snapshot(con: psycopg.Connection[Any]) -> list[int]:
    """A snapshot that is older than the first read: a publication may fall between the two."""
    with con.transaction():
        con.execute("select 1")
        time.sleep(0.02)
        found: list[int] = []
        for name in ("marts.costs", "quality.gaps", "marts.participants", "marts.costs"):
            found += versions(con.execute(ONE.format(name).encode()).fetchone())
        return found


def test_readers_during_many_publications(world: World) -> None:
    build(world.settings, 1)
    postgres.publish(world.settings)
    repeatable = {"options": "-c default_transaction_isolation=repeatable\\ read"}
    readers = [
        Reader(world, one_statement, autocommit=True),
        Reader(world, joined, autocommit=True, prepare_threshold=1),
        Reader(world, two_statements, autocommit=True),
        Reader(world, snapshot, autocommit=True, **repeatable),
    ]
    for reader in readers:
        reader.start()
    attempts = 0
    for number in range(2, PUBLICATIONS + 2):
        extra = ["alter table marts.participants add column more varchar"] if number % 4 == 0 else []
        build(world.settings, number, *extra)
        attempts += postgres.publish(world.settings, patience=Patience(total_s=120, pause_s=0.2)).attempts
        time.sleep(0.05)
    deadline = time.monotonic() + 60
    for reader in readers:
        while reader.is_alive() and reader.seen[-1:] != [PUBLICATIONS + 1] and time.monotonic() < deadline:
            time.sleep(0.02)
        reader.done.set()
    for reader in readers:
        reader.join(60)
    assert [reader.faults for reader in readers] == [[]] * len(readers)
    for reader in readers:
        assert reader.reads > PUBLICATIONS
        assert reader.seen == sorted(reader.seen)
        assert reader.seen[-1] == PUBLICATIONS + 1
    assert attempts >= PUBLICATIONS
    assert max(reader.slowest for reader in readers) < 30


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_a_transaction_keeps_what_it_began_with(world: World, isolation: str) -> None:
    """A reader who holds a view: a readable refusal, nothing copied again afterwards, others go on."""
    build(world.settings, 1)
    postgres.publish(world.settings)
    build(world.settings, 2)
    with world.connect("ame_reader", application_name="a dashboard") as holder:
        holder.execute(f"set transaction isolation level {isolation}".encode())
        assert versions(holder.execute(ONE.format("marts.costs").encode()).fetchone()) == [1, 1]
        with pytest.raises(PublishError, match="readers hold the views") as caught:
            postgres.publish(world.settings, patience=Patience(total_s=1.5, pause_s=0.2))
        assert "ame_reader, a dashboard" in str(caught.value)
        assert f"pid {holder.info.backend_pid}" in str(caught.value)
        assert versions(holder.execute(ONE.format("marts.participants").encode()).fetchone()) == [1, 1]
        assert world.rows(ONE.format("marts.participants"), "ame_reader") == [(ROWS, 1, 1)]
    served = postgres.publish(world.settings)
    assert (served.is_copied, served.version) == (False, version_name(2))
    assert world.rows(ONE.format("marts.costs"), "ame_reader") == [(ROWS, 2, 2)]


def test_an_older_snapshot_that_comes_late_sees_the_new_version_whole(world: World) -> None:
    build(world.settings, 1)
    postgres.publish(world.settings)
    with world.connect("ame_reader") as old:
        old.execute("set transaction isolation level repeatable read")
        assert old.execute("select 1").fetchone() == (1,)
        build(world.settings, 2)
        postgres.publish(world.settings)
        for name in ("marts.participants", "marts.costs", "quality.gaps"):
            assert versions(old.execute(ONE.format(name).encode()).fetchone()) == [2, 2]
        by_index = "select year from marts.costs where municipality_id = '0007'"
        assert old.execute(by_index.encode()).fetchone() == (2,)
        assert old.execute("select version from quality.publication").fetchone() == (version_name(2),)


KILLED = """
import os, signal, sys
from ame_warehouse.serve import postgres
from ame_warehouse.settings import Settings
settings = Settings(home=sys.argv[1], serve_dsn=sys.argv[2], _env_file=None)
def publish_until(stage):
    kill = lambda now: os.kill(os.getpid(), signal.SIGKILL) if now == stage else None
    postgres.publish(settings, on_stage=kill)
for line in sys.stdin:  # one process for each stage; imported once
    child = os.fork()
    if child == 0:
        publish_until(line.strip())
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_killed_publication_leaves_the_old_or_the_new(world: World) -> None:
    build(world.settings, 1)
    postgres.publish(world.settings)
    build(world.settings, 2)
    command = [sys.executable, "-c", KILLED, str(world.settings.home), world.dsn]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as publisher:
        assert publisher.stdin
        assert publisher.stdout
        for stage, shown in (
            ("prepared", 1),
            ("table marts.participants", 1),
            ("reconciled", 1),
            ("committed", 1),
            ("locked", 1),
            ("replaced", 1),
            ("moved", 2),
        ):
            publisher.stdin.write(stage + "\n")
            publisher.stdin.flush()
            assert publisher.stdout.readline() == "-9\n", stage
            for name, year in (
                ("marts.participants", "year"),
                ("marts.costs", "year"),
                ("svenska.luckor", "år"),
            ):
                found = world.rows(ONE.format(name).replace("year", year), "ame_reader")
                assert found == [(ROWS, shown, shown)], stage
        publisher.stdin.close()
    with world.connect(autocommit=True) as con:  # what an older release, or a hand, may have left
        con.execute("create schema ame_20200101t000000z_dead")
        con.execute("create table ame_20200101t000000z_dead.marts_x (a int)")
        con.execute("alter schema ame_20200101t000000z_dead owner to ame_publisher")
        con.execute("alter table ame_20200101t000000z_dead.marts_x owner to ame_publisher")
        con.execute("create schema ame_other")
    served = postgres.publish(world.settings)
    assert served.version == version_name(2)
    left = world.rows("select nspname from pg_namespace where nspname like 'ame\\_%' order by 1")
    assert [row[0] for row in left] == [
        "ame_20260101t000001z_00000001",
        "ame_20260101t000002z_00000002",
        "ame_other",
        "ame_serve",
    ]
