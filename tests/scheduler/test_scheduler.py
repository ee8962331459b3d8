"""The chain under a real scheduler: a triggered ingest, and the build that its asset event starts."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import psutil
import pytest
from tests.alerts.receivers import Webhook
from tests.ports import free_port

from ame_warehouse.pipeline import airflow_home
from ame_warehouse.pipeline.server import HOST, AirflowServer
from ame_warehouse.settings import Settings

pytestmark = [pytest.mark.scheduler, pytest.mark.timeout(1200)]
READY_SECONDS = 240
CHAIN_SECONDS = 600
FINAL = ("success", "failed")


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    """What listens at the address in AME_ALERT_URLS."""
    with Webhook() as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, hook: Webhook) -> Iterator[AirflowServer]:
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith(("AME_", "AIRFLOW"))]:
        patch.delenv(name)
    patch.setenv("AME_ALERT_URLS", hook.url)
    settings = Settings(_env_file=None, home=tmp_path_factory.mktemp("scheduler") / "home")
    server = AirflowServer(settings, free_port(), with_triggerer=False)
    airflow_home.make_directories(settings)
    try:
        # Triggered before the scheduler starts, so that they go before what is due by schedule; the first
        # asks for a measure that nobody knows.
        run(server, "ame_warehouse.pipeline.airflow_home")
        run(server, "airflow", "dags", "reserialize")
        for run_id, asked in (("wrong", '{"measures": ["U00000"]}'), ("right", '{"years": [2021, 2022]}')):
            run(server, "airflow", "dags", "trigger", "ingest_kolada", "--run-id", run_id, "--conf", asked)
        server.start()
        server.wait_until_ready(READY_SECONDS)
        yield server
    finally:
        server.stop()
        patch.undo()


def run(server: AirflowServer, module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=server.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def query(server: AirflowServer, sql: str) -> list[tuple]:
    """Read Airflow's database; waits while somebody writes."""
    database = server.settings.airflow_home / "airflow.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as con:
        return con.execute(sql).fetchall()


def wait_for(server: AirflowServer, sql: str, seconds: float) -> list[tuple]:
    """Return the rows of `sql` as soon as there are any."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        server.require_running()
        if rows := query(server, sql):
            return rows
        time.sleep(1)
    runs = query(server, "select dag_id, run_type, state from dag_run")
    tasks = query(server, "select dag_id, task_id, state, try_number from task_instance")
    raise AssertionError(f"nothing after {seconds:.0f} s for: {sql}\nruns: {runs}\ntasks: {tasks}")


@pytest.fixture(scope="module")
def chain(server: AirflowServer) -> list[tuple]:
    """Return the runs when the triggered ingest and a build have ended, or the ingest has failed."""
    ingest = "select 1 from dag_run where dag_id = 'ingest_kolada' and run_id = 'right' and state "
    build = f"select 1 from dag_run where dag_id = 'build_warehouse' and state in {FINAL}"
    wait_for(
        server,
        f"select 1 where exists ({ingest} = 'failed') "
        f"or (exists ({ingest} = 'success') and exists ({build}))",
        CHAIN_SECONDS,
    )
    return query(server, "select dag_id, run_type, state from dag_run order by dag_id, id")


def test_the_dags_are_unpaused_by_themselves(server: AirflowServer) -> None:
    assert query(server, "select count(*) from dag") == [
        (len(list((server.settings.project / "dags").glob("*.py"))),)
    ]
    assert query(server, "select dag_id from dag where is_paused") == []


def test_the_asset_event_of_the_ingest_starts_the_build(server: AirflowServer, chain: list[tuple]) -> None:
    manual = [run for run in chain if run[:2] == ("ingest_kolada", "manual")]
    builds = [run for run in chain if run[0] == "build_warehouse"]
    tasks = query(server, "select task_id, state, try_number from task_instance")
    assert [state for _, _, state in manual] == ["failed", "success"], tasks
    assert ("build_warehouse", "asset_triggered", "success") in builds, tasks


def test_the_params_reached_the_fetch(server: AirflowServer, chain: list[tuple]) -> None:
    fetches = sorted((server.settings.landing / "kolada").glob("*/fetch.json"))
    assert fetches
    assert any('"years": [\n  2021,\n  2022\n ]' in path.read_text() for path in fetches)


def test_what_was_built_is_published(server: AirflowServer, chain: list[tuple]) -> None:
    with duckdb.connect(str(server.settings.published / "warehouse.duckdb"), read_only=True) as con:
        row = con.execute("select count(participants) from marts.participants").fetchone()
    assert row is not None
    assert row[0] > 0


def test_the_writers_stand_in_the_pool_of_one(server: AirflowServer, chain: list[tuple]) -> None:
    assert query(server, "select slots from slot_pool where pool = 'ame_writer'") == [(1,)]
    spans = query(
        server,
        "select start_date, end_date from task_instance "
        "where pool = 'ame_writer' and state = 'success' and start_date is not null order by start_date",
    )
    assert len(spans) >= 9
    assert all(ended <= began for (_, ended), (began, _) in pairwise(spans))


def test_a_task_that_gave_up_is_told_by_the_notifier_and_so_is_its_recovery(
    server: AirflowServer, hook: Webhook
) -> None:
    fetched = "task_id = 'land.fetch_kolada' and state in ('success', 'failed')"
    for run_id, state in (("wrong", "failed"), ("right", "success")):
        sql = f"select state from task_instance where run_id = '{run_id}' and {fetched}"
        assert wait_for(server, sql, CHAIN_SECONDS) == [(state,)]
    check = "task_failed_ingest_kolada_fetch_kolada"
    deadline = time.monotonic() + 120  # the notifier of a success runs after its state is written
    while not any("RESOLVED" in post["title"] for post in hook.posts) and time.monotonic() < deadline:
        time.sleep(0.5)
    told = [post for post in hook.posts if check in post["title"]]
    number = str(told[0]["title"]).rpartition("(")[2]
    assert [post["title"] for post in told] == [
        f"[ame] ERROR {check} new ({number}",
        f"[ame] RESOLVED {check} is resolved ({number}",
    ]
    assert "a measure is not in the catalogue" in told[0]["message"]
    assert "U00000" in told[0]["message"]
    assert "Who acts:     operator" in told[0]["message"]


def test_airflow_listens_on_loopback_only(server: AirflowServer) -> None:
    family = [
        member
        for process in server.processes.values()
        for member in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    ]
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for member in family
        for connection in member.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {(HOST, server.port)}


def is_zombie(pid: int) -> bool:
    """True for a process that has ended and waits for its parent to notice."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_nothing_is_left_running_after_the_end(server: AirflowServer, chain: list[tuple]) -> None:
    """Last: ends the server that the other tests use."""
    pids = {
        member.pid
        for process in server.processes.values()
        for member in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    }
    server.stop()
    assert [pid for pid in pids if psutil.pid_exists(pid) and not is_zombie(pid)] == []
    with socket.socket() as probe:
        assert probe.connect_ex((HOST, server.port)) != 0
    assert Path(server.log_path("scheduler")).stat().st_size > 0
