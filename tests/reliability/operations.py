"""Count the file-system operations of a process, and strike at the n-th: kill it, or let it fail.

The interpreter tells of every file that is opened for writing, and of every rename, link, removal and new
directory, before it happens (`sys.addaudithook`); `os.fsync` is wrapped, since it is not told. What libraries
written in C do is not seen: kills at random times and small file systems are for that.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.reliability.cases import IS_FULL

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
PLACE_OF_PATH = {"os.rename": slice(0, 2), "os.link": slice(0, 2), "os.symlink": slice(1, 2)}
PRELOADED = [
    "tests.reliability.tasks",
    "ame_warehouse.pipeline.build",
    "ame_warehouse.pipeline.ingest",
    "ame_warehouse.pipeline.ingest_af",
    "ame_warehouse.pipeline.sources",
    "ame_warehouse.serve.postgres",
    "pandas",
]


class Operations:
    """Hears the operations below a directory; at number `at` it does `strike`.

    `seen` lists (event, path below the directory) of those before.
    """

    def __init__(
        self, root: Path, at: int | None = None, strike: Callable[[str], None] | None = None
    ) -> None:
        self._root = str(root.resolve()) + os.sep
        self._at, self._strike = at, strike
        self.seen: list[tuple[str, str]] = []
        self._fsync = os.fsync

    def listen(self) -> None:
        """Begin; a process can do that once and never end it."""
        sys.addaudithook(self._hear)
        os.fsync = self._sync

    def _sync(self, handle: Any) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()
        self._note("os.fsync", os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115
        self._fsync(handle)

    def _hear(self, event: str, details: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(details[2], int) and details[2] & WRITING:
            self._note(event, details[0])
        elif event in EVENTS and not (event == "os.mkdir" and os.path.isdir(details[0])):  # noqa: PTH112
            for path in details[PLACE_OF_PATH.get(event, slice(0, 1))]:
                if self._note(event, path):
                    break

    def _note(self, event: str, path: Any) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - no object may be made in an audit hook
        if not text.startswith(self._root):
            return False
        self.seen.append((event, text[len(self._root) :]))
        if self._strike is not None and len(self.seen) == self._at:
            self._strike(text)
        return True


def kill(_path: str) -> None:
    """End this process as a power cut or the kernel's memory killer would."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number: int) -> Callable[[str], None]:
    """Return a strike that lets the operation fail with an errno."""

    def strike(path: str) -> None:
        raise OSError(number, os.strerror(number), path)

    return strike


def _child(
    task: Callable[..., Any],
    arguments: tuple[Any, ...],
    report: Path,
    root: Path,
    fault: tuple[int | None, str],
) -> None:
    at, how = fault
    log = os.open(report.with_suffix(".log"), os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    strike = None if at is None else kill if how == "kill" else fail(getattr(errno, how))
    operations = Operations(root, at, strike)
    operations.listen()
    result: dict[str, Any] = {}
    try:
        result["value"] = task(*arguments)
    except Exception as exc:
        from ame_warehouse.pipeline.faults import readable

        known = readable(exc)
        result["error"] = type(exc).__name__
        result["readable"] = None if known is None else {"message": known.message, "action": known.action}
        result["trace"] = traceback.format_exc()
    result["seen"] = operations.seen
    report.write_text(json.dumps(result), encoding="utf-8")


class Children:
    """Runs tasks in processes of their own, made from one that has loaded everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._number = 0

    def begin(
        self,
        task: Callable[..., Any],
        *arguments: Any,
        root: Path,
        at: int | None = None,
        how: str = "kill",
    ) -> tuple[Any, Path]:
        """Start a task; return its process and the file in which it will report."""
        self._number += 1
        report = self._folder / f"report-{self._number}.json"
        process = self._context.Process(target=_child, args=(task, arguments, report, root, (at, how)))
        process.start()
        return process, report

    def run(self, task: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[int, dict[str, Any]]:
        """Run a task to its end; return the exit code (-9: killed) and what it reported."""
        process, report = self.begin(task, *arguments, **options)
        process.join(1500 if IS_FULL else 500)
        assert process.exitcode is not None, "the task does not end"
        found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
        return process.exitcode, found
