"""What the children do."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import traceback
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from tests.reliability import small_world
from tests.serve import postgres_server

from ame_warehouse.arbetsformedlingen import http
from ame_warehouse.landing import clock
from ame_warehouse.pipeline import steps
from ame_warehouse.pipeline.build import candidate_path
from ame_warehouse.publish import publisher
from ame_warehouse.serve import postgres
from ame_warehouse.settings import Settings, load_settings


def quick_chain(env: dict[str, str]) -> str:
    """Run the chain without dbt and Great Expectations; return the version."""
    small_world.be_quick()
    return small_world.run_here(env)


def kill_whole_chains(envs: list[dict[str, str]], shares: list[float]) -> list[tuple[str, float, int]]:
    """Run the chain with dbt and Great Expectations: once to its end, then killed at each share of its time.

    On a machine that is less busy now than before, a chain can have ended before its kill: then the same
    share is tried again, of that time. Returns (home, share, exit code) of each. The tools are loaded once.
    """
    import great_expectations  # noqa: F401

    left = iter(envs)
    first = next(left)
    code, whole = _forked(first, None)
    found = [(first["AME_HOME"], 1.0, code)]
    for share in shares:
        for env in left:
            code, took = _forked(env, share * whole)
            found.append((env["AME_HOME"], share, code))
            if code != 0:
                break
            whole = took
    return found


def _forked(env: dict[str, str], seconds: float | None) -> tuple[int, float]:
    """Run the chain in a child that is killed after so many seconds; return its exit code and its time."""
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            small_world.run_here(env)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    killer = None if seconds is None else threading.Timer(seconds, os.kill, (child, signal.SIGKILL))
    if killer is not None:
        killer.start()
    status = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # its number is taken until the timer is off
    if killer is not None:
        killer.cancel()
        killer.join()
    took = time.monotonic() - begun
    assert status is not None
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), took


def chain_at(env: dict[str, str], hours: float) -> str:
    """Run the quick chain with a clock that is `hours` wrong."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(hours=hours)

    clock.datetime = Wrong
    return quick_chain(env)


def poll_af(env: dict[str, str]) -> dict[str, object]:
    """Fetch and parse AF's workbooks."""
    os.environ.update(env)
    http.POLITE_RPS = 1e6
    return steps.parse_af(steps.fetch_af()["fetch_ids"])


def publish_again(env: dict[str, str], version: str) -> None:
    """Publish a candidate that is published already, under the same version."""
    os.environ.update(env)
    settings = load_settings()
    publisher.publish(
        settings, publisher.Publication(version, "again", candidate_path(settings, version), "2026-01-01")
    )


def serve(home: str, dsn: str, pause: float) -> str:
    """Publish to PostgreSQL, after a moment at every stage so that a kill can fall anywhere."""
    settings = Settings(_env_file=None, home=Path(home), serve_dsn=dsn)
    served = postgres.publish(settings, on_stage=lambda _: time.sleep(pause * random.random()))  # noqa: S311
    return served.version


def build_version(home: str, number: int) -> str:
    """Publish version `number` of the small tables for PostgreSQL to the DuckDB file."""
    settings = Settings(_env_file=None, home=Path(home), project=Path(home) / "no_git")
    return str(postgres_server.build(settings, number)["version"])


def hold(path: str, is_read_only: bool, stop: str) -> list[Any]:
    """Keep a DuckDB file open until the file `stop` is there; return the mart as it was before and after."""
    sql = "select municipality_id, year, participants from marts.participants order by all"
    with duckdb.connect(path, read_only=is_read_only) as con:
        before = con.execute(sql).fetchall()
        Path(stop).with_suffix(".begun").touch()
        while not Path(stop).exists():
            time.sleep(0.02)
        return [before, con.execute(sql).fetchall()]
