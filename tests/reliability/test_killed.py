"""SIGKILL at any operation and at any moment: the next run publishes what an undisturbed one would have."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.reliability.cases import CASES, IS_FULL, TEST_SECONDS
from tests.reliability.conftest import Counted, SmallWorld
from tests.reliability.tasks import quick_chain

pytestmark = pytest.mark.timeout(TEST_SECONDS)
LOCK = ["open", ".locks/writer.lock"]  # the first operation of every step


def chosen(operations: list[list[str]]) -> list[int]:
    """Return the numbers of the operations to be killed at: every step, what readers see, some others."""
    numbers = list(range(1, len(operations) + 1))
    if IS_FULL:
        return numbers
    visible = [n for n in numbers if ".staging" not in operations[n - 1][1]]
    always = [n for n in visible if operations[n - 1][1].startswith(("published", ".locks"))]
    others = [n for n in numbers if n not in always]
    wanted = CASES["killed at an operation"] - len(always)
    step = len(others) / wanted
    return sorted(always + [others[int(i * step)] for i in range(wanted)])


def test_killed_at_an_operation(world: SmallWorld, reader: Callable[[Path], None], counted: Counted) -> None:
    points = chosen(world.operations)
    steps = sum(world.operations[n - 1] == LOCK for n in points)
    assert steps == 8, "fetch, parse, plan, check, build, check, publish, announce"
    for number in points:
        home = world.home()
        reader(home)
        what = (number, world.operations[number - 1])
        code, _ = world.children.run(quick_chain, world.env(home), root=home, at=number)
        assert code == -9, what
        world.finish(home, what)
        shutil.rmtree(home / "landing")  # the reader may still look at what is published
    counted("killed at an operation", len(points))


def test_killed_at_a_random_moment(
    world: SmallWorld, reader: Callable[[Path], None], counted: Counted
) -> None:
    moments = random.Random(20240131)  # noqa: S311
    wanted = 60 if IS_FULL else CASES["killed at a random moment"]
    killed = 0
    home = world.home()
    begun = time.monotonic()
    world.finish(home, "undisturbed")
    whole = time.monotonic() - begun
    while killed < wanted:
        home = world.home()
        reader(home)
        process, _ = world.children.begin(quick_chain, world.env(home), root=home)
        moment = moments.uniform(0.02, whole)
        process.join(moment)
        process.kill()
        process.join()
        killed += process.exitcode == -9
        world.finish(home, f"killed after {moment:.3f} s")
    counted("killed at a random moment", killed)
