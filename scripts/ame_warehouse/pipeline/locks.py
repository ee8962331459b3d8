"""Locks of one AME_HOME: one writer at a time, one run at a time.

The lock is the kernel's (`flock`): it ends with the process that holds it, so a killed run leaves no
lock behind. The text inside the file only says who holds it, for the message that others read.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ame_warehouse.errors import AmeError, BusyError
from ame_warehouse.pipeline.faults import readable
from ame_warehouse.settings import Settings

POLL_SECONDS = 0.2


def writer_lock_path(settings: Settings) -> Path:
    """Return the file whose lock every step that writes to AME_HOME holds."""
    return settings.home / ".locks" / "writer.lock"


def run_lock_path(settings: Settings) -> Path:
    """Return the file whose lock `ame run` and `ame up` hold while they last."""
    return settings.home / ".locks" / "run.lock"


def _owner(path: Path) -> str:
    """Return one readable line about the holder; the file may be empty or half-written."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return f"{record['command']} (process {record['pid']}, since {record['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _open(path: Path) -> int:
    """Return a descriptor of the lock file; raise a readable `AmeError` when AME_HOME cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        known = readable(exc, path)
        raise known or AmeError(
            "the lock file cannot be opened",
            found=str(exc),
            source=str(path),
            action="set AME_HOME to a directory on a local disk that this user may write",
        ) from exc


@contextmanager
def hold(path: Path, command: str, *, wait_seconds: float, busy_action: str) -> Iterator[None]:
    """Hold the lock of `path` for the block; raise `BusyError` when it is not free in `wait_seconds`.

    Args:
        path: the lock file; made when it is not there, never removed.
        command: what the holder is doing, for the message that others read.
        wait_seconds: how long to wait for another holder; 0 = do not wait.
        busy_action: what the reader of the `BusyError` can do.
    """
    descriptor = _open(path)
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    waited = f" after {wait_seconds:.0f} s of waiting" if wait_seconds else ""
                    raise BusyError(
                        "another process is working in this AME_HOME",
                        expected=f"a free lock{waited}",
                        found=_owner(path),
                        source=str(path),
                        action=busy_action,
                    ) from None
                time.sleep(POLL_SECONDS)
        _write_owner(descriptor, command)
        yield
    finally:
        os.close(descriptor)  # closing ends the lock


def _write_owner(descriptor: int, command: str) -> None:
    """Write who holds the lock; a full disk must not stop the holder here (its own step will say so)."""
    record = {
        "pid": os.getpid(),
        "command": command,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(record).encode(), 0)
    except OSError:
        return


@contextmanager
def writer(settings: Settings, command: str, *, wait_seconds: float = 600.0) -> Iterator[None]:
    """Hold the writer lock: everything that changes AME_HOME does so inside this block."""
    with hold(
        writer_lock_path(settings),
        command,
        wait_seconds=wait_seconds,
        busy_action="wait until it has finished, then try again",
    ):
        yield


@contextmanager
def exclusive_run(settings: Settings, command: str) -> Iterator[None]:
    """Hold the run lock without waiting: a second run ends at once with a `BusyError`."""
    with hold(
        run_lock_path(settings),
        command,
        wait_seconds=0,
        busy_action="wait until it has finished, or give this run another AME_HOME; while `ame up` "
        "is running, start the DAGs from its page instead",
    ):
        yield
