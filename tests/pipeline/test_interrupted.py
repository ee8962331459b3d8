"""Ctrl-C and SIGTERM end a run at once; the next one finds nothing in its way."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.pipeline.home import AME, fingerprint

from ame_warehouse.pipeline import airflow_home, locks
from ame_warehouse.settings import Settings

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


def states(home: Path) -> set[tuple[str, str]]:
    with sqlite3.connect(home / "airflow" / "airflow.db") as con:
        return set(con.execute("select dag_id, state from dag_run").fetchall())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted(number: signal.Signals, used_home: Path) -> None:
    before = fingerprint(used_home)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AME_", "AIRFLOW"))}
    errors = used_home.parent / "stderr"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [AME, "run", "--full-refresh"],
            env={**kept, "AME_HOME": str(used_home)},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            # A process that a shell starts in the background ignores Ctrl-C; this one must not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )
    try:
        deadline = time.monotonic() + 400
        while "Check what has landed" not in errors.read_text():  # then dbt is at work
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(1)
        process.send_signal(number)
        assert process.wait(timeout=60) == 1
    finally:
        process.kill()
        process.wait()
    assert errors.read_text().splitlines()[-1].startswith("ame: interrupted")
    assert fingerprint(used_home) == before
    assert ("build_warehouse", "running") in states(used_home)

    settings = Settings(_env_file=None, home=used_home)
    with locks.exclusive_run(settings, "the next run"):
        done = subprocess.run(
            [sys.executable, "-m", "ame_warehouse.pipeline.airflow_home"],
            env={**kept, **airflow_home.environment(settings)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    left = {state for dag_id, state in states(used_home) if dag_id == "build_warehouse"}
    assert left == {"failed"}
