"""The small warehouse in state A, ready to be copied; a reader that looks all the time; counting."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import CASES as CASES_PROPERTY
from tests.reliability import small_world
from tests.reliability.cases import CASES, IS_FULL
from tests.reliability.looking import keep_looking
from tests.reliability.operations import Children
from tests.reliability.tasks import quick_chain

from ame_warehouse.sample.server import KoladaServer

Counted = Callable[[str, int], None]


@dataclass
class SmallWorld:
    """State A published in `base`; the source says B now. `after` is what the undisturbed run publishes."""

    folder: Path
    project: Path
    url: str
    children: Children
    base: Path
    known: list[list[tuple[Any, ...]]] = field(default_factory=list)
    after: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    operations: list[list[str]] = field(default_factory=list)
    number: int = 0

    def home(self) -> Path:
        """Return a new home in state A."""
        self.number += 1
        home = self.folder / f"home-{self.number}"
        shutil.copytree(self.base, home, symlinks=True)
        return home

    def env(self, home: Path, **changes: str) -> dict[str, str]:
        """Return the environment of a run on a home, with state B at the source."""
        return small_world.environment(home, self.project, self.url) | changes

    def run(self, home: Path, **options: Any) -> dict[str, Any]:
        """Run the quick chain to its end; return what it reported."""
        code, report = self.children.run(quick_chain, self.env(home), root=home, **options)
        assert code == 0, code
        return report

    def finish(self, home: Path, what: object, *, resolved: int | None = 0) -> None:
        """Run once more without a fault: what is published must be that of an undisturbed run.

        `resolved`: so many incidents have been opened and resolved; None = at most one.
        """
        report = self.run(home)
        assert "error" not in report, (what, report.get("trace"))
        found = small_world.tables(home)
        published = home / "published"
        if resolved != 0:
            with duckdb.connect(str(published / "warehouse.duckdb"), read_only=True) as con:
                sql = "select count(*), count(*) filter (resolved_at is null) from quality.incidents"
                number, still_open = con.execute(sql).fetchone() or (0, 1)
            assert still_open == 0 and (number <= 1 if resolved is None else number == resolved), what
            found["quality.incidents"] = self.after["quality.incidents"]
        assert found == self.after, what
        assert small_world.said_of_data(home) == self.said, what
        assert small_world.damaged_files(home) == [], what
        assert small_world.figures("marts.participants", published / "warehouse.duckdb") == self.known[1]
        left = [path.name for path in published.glob(".*")]
        assert left == [], (what, left)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallWorld]:
    folder = tmp_path_factory.mktemp("reliability")
    project = small_world.make_project(folder)
    base = folder / "base"
    children = Children(folder)
    with KoladaServer(small_world.source("A")) as before, KoladaServer(small_world.source("B")) as now:
        code, report = children.run(
            quick_chain, small_world.environment(base, project, before.url()), root=base
        )
        assert code == 0 and "error" not in report, report
        found = SmallWorld(folder, project, now.url(), children, base)
        undisturbed = found.home()
        code, report = children.run(quick_chain, found.env(undisturbed), root=undisturbed)
        assert code == 0 and "error" not in report, report
        found.operations, found.after = report["seen"], small_world.tables(undisturbed)
        found.said = small_world.said_of_data(undisturbed)
        found.known = [
            small_world.figures("marts.participants", home / "published" / "warehouse.duckdb")
            for home in (base, undisturbed)
        ]
        assert found.known[0] != found.known[1]
        yield found


@contextmanager
def _watched(task: Callable[..., None], notes: Path, *arguments: Any) -> Iterator[None]:
    reader = multiprocessing.get_context("forkserver").Process(target=task, args=(*arguments, notes))
    reader.start()
    try:
        yield
    finally:
        notes.with_suffix(".stop").touch()
        reader.join(120)
    seen = json.loads(notes.read_text(encoding="utf-8"))
    assert seen["looks"] > 10
    assert seen["wrong"] == []


@pytest.fixture
def reader(world: SmallWorld, tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Return a function that tells the reader which home to look at; it looks until the test ends."""
    current = tmp_path / "current"
    current.symlink_to(world.base)

    shown: list[str] = []

    def turn_to(home: Path) -> None:
        shown.append(home.name)
        staged = tmp_path / "next"
        staged.symlink_to(home)
        staged.replace(current)

    notes = tmp_path / "notes.json"
    with _watched(keep_looking, notes, current, world.known):
        yield turn_to
    seen = json.loads(notes.read_text(encoding="utf-8"))["homes"]
    assert len(set(seen) & set(shown)) > len(shown) / 2, "it has looked while the faults struck"


@pytest.fixture
def watched() -> Callable[..., Any]:
    """Return the context manager that runs a reader's task in a process of its own."""
    return _watched


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Return a function that notes how many cases of a fault were run, and holds the number in the docs."""

    def note(fault: str, number: int) -> None:
        record_property(CASES_PROPERTY, number)
        assert number >= CASES[fault] if IS_FULL else number == CASES[fault]

    return note
