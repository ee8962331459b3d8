"""A disk that is full or may not be written: a clear error, readers keep what they have and are told."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reliability.cases import CASES, IS_FULL, TEST_SECONDS
from tests.reliability.conftest import Counted, SmallWorld
from tests.reliability.looking import look

pytestmark = pytest.mark.timeout(TEST_SECONDS)
ERRORS = ("ENOSPC", "EROFS", "EACCES")
SIZE = 48_000_000


def manifest(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "published" / "manifest.json").read_text(encoding="utf-8"))
    return found


def ends_clearly(world: SmallWorld, home: Path, report: dict[str, Any], before: str, what: object) -> bool:
    """A run ended well, or with an error that says what to do; readers have a whole version either way.

    Returns whether it ended with an error.
    """
    assert look(home / "published", world.known) is None, what
    if "error" not in report:
        return False
    known = report["readable"]
    assert known is not None, (what, report["trace"])
    assert known["action"], what
    return True


def test_an_operation_fails(world: SmallWorld, counted: Counted) -> None:
    """The n-th operation of the run ends with ENOSPC, EROFS or EACCES, as the system gives them."""
    count = len(world.operations)
    wanted = count if IS_FULL else CASES["an operation fails"]
    errors = 0
    for case in range(wanted):
        number = 1 + int(case * count / wanted)
        home = world.home()
        before = manifest(home)["version"]
        what = (number, world.operations[number - 1], ERRORS[case % 3])
        report = world.run(home, at=number, how=ERRORS[case % 3])
        assert len(report["seen"]) >= number, (what, "the fault has not struck")
        if ends_clearly(world, home, report, before, what):
            errors += 1
            is_told = manifest(home)["stale"] or manifest(home)["version"] != before
            assert is_told or world.operations[number - 1][1].startswith(".locks"), what
        if IS_FULL or case % 5 == 0:
            world.finish(home, what, resolved=None)
            assert manifest(home)["stale"] is False
    assert errors > wanted / 2, "most operations cannot be done without"
    counted("an operation fails", wanted)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of `SIZE` bytes; only the superuser may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "ame-test", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, free: int) -> Path:
    """Leave so many bytes free; return the file that takes the others."""
    ballast = place / "ballast"
    status = os.statvfs(place)
    with ballast.open("wb") as handle:
        os.posix_fallocate(handle.fileno(), 0, status.f_bavail * status.f_frsize - free)
    return ballast


def test_a_full_file_system(world: SmallWorld, small_disk: Path, counted: Counted) -> None:
    spaces = (0, 20_000, 300_000, 1_500_000, 3_000_000)
    errors = 0
    for number, free in enumerate(spaces):
        home = small_disk / f"home-{number}"
        subprocess.run(["cp", "-r", str(world.base), str(home)], check=True)
        before = manifest(home)["version"]
        ballast = fill(small_disk, free)
        report = world.run(home)
        if ends_clearly(world, home, report, before, free):
            errors += 1
            assert manifest(home)["version"] == before
            assert manifest(home)["stale"] is True, free
        ballast.unlink()
        world.finish(home, free, resolved=None)
        subprocess.run(["rm", "-r", str(home)], check=True)
    assert errors >= 3
    counted("a full file system", len(spaces))


def test_a_read_only_file_system(world: SmallWorld, small_disk: Path, counted: Counted) -> None:
    home = small_disk / "home"
    subprocess.run(["cp", "-r", str(world.base), str(home)], check=True)
    before = manifest(home)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    report = world.run(home)
    assert ends_clearly(world, home, report, before["version"], "read-only")
    assert "may not be written" in report["readable"]["message"]
    assert manifest(home) == before, "not even the mark can be written"
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    world.finish(home, "read-only")
    counted("a read-only file system", 1)
