"""Locks: one writer, one run, readable when busy, gone with the process that held them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ame_warehouse.errors import AmeError, BusyError
from ame_warehouse.pipeline import locks
from ame_warehouse.settings import Settings

HOLDER = """
import sys, time
from ame_warehouse.pipeline import locks
from ame_warehouse.settings import load_settings
with locks.writer(load_settings(), "the step run_dbt"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def holder(settings: Settings):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, "AME_HOME": str(settings.home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    yield process
    process.kill()
    process.wait()


def test_the_holder_is_named(settings: Settings) -> None:
    with locks.writer(settings, "the step publish"):
        owner = json.loads(locks.writer_lock_path(settings).read_text())
    assert owner["pid"] == os.getpid()
    assert owner["command"] == "the step publish"
    assert owner["since"].endswith("+00:00")


def test_a_second_writer_waits_a_bounded_time_and_says_who_is_busy(settings: Settings, holder) -> None:
    began = time.monotonic()
    with pytest.raises(BusyError) as caught, locks.writer(settings, "a test", wait_seconds=0.5):
        pass
    assert 0.4 < time.monotonic() - began < 60, "the holder holds it for longer"
    assert f"process {holder.pid}" in str(caught.value)
    assert "the step run_dbt" in str(caught.value)
    assert "wait until" in str(caught.value.action)


def test_a_killed_holder_leaves_no_lock(settings: Settings, holder) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locks.writer(settings, "the next", wait_seconds=0):
        pass


def test_a_waiting_writer_goes_on_when_the_lock_is_free(settings: Settings, holder) -> None:
    holder.send_signal(signal.SIGTERM)
    with locks.writer(settings, "the next", wait_seconds=60):
        assert locks.writer_lock_path(settings).exists()


def test_a_second_run_ends_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(locks.time, "sleep", waits.append)
    first = locks.exclusive_run(settings, "ame run")
    with first, pytest.raises(BusyError) as caught, locks.exclusive_run(settings, "ame run"):
        pass
    assert waits == []
    assert "ame run" in str(caught.value.found)
    assert caught.value.exit_code == 1


def test_the_lock_is_free_after_an_error(settings: Settings) -> None:
    with pytest.raises(ZeroDivisionError), locks.exclusive_run(settings, "ame run"):
        raise ZeroDivisionError
    with locks.exclusive_run(settings, "ame run"):
        pass


def test_a_home_that_cannot_be_made_is_a_readable_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    settings = Settings(home=tmp_path / "file" / "home")
    with pytest.raises(AmeError, match="AME_HOME"), locks.writer(settings, "a test"):
        pass


def test_an_unreadable_owner_does_not_hide_that_it_is_busy(settings: Settings, holder) -> None:
    locks.writer_lock_path(settings).write_text("{half")
    with pytest.raises(BusyError, match="another process"), locks.writer(settings, "x", wait_seconds=0):
        pass
