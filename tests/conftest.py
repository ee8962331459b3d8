"""Shared fixtures: settings for a home of their own, loopback servers, recorded answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.home import Done, SampleRun, ame
from tests.shared import made_once

from ame_warehouse.sample.dataset import Dataset
from ame_warehouse.sample.faults import Fault
from ame_warehouse.sample.server import KoladaServer
from ame_warehouse.sample.synthetic import live_like
from ame_warehouse.settings import PROJECT_ROOT, Settings

SAMPLES = PROJECT_ROOT.parent / "shared" / "facts" / "samples"
CASES = "cases"
MakeSettings = Callable[..., Settings]
Serve = Callable[..., KoladaServer]


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Return a function that gives settings with a home of their own, impatient and impolite."""

    def make(**changes: Any) -> Settings:
        base: dict[str, Any] = {
            "home": tmp_path / "home",
            "kolada_rps": 100_000,
            "kolada_backoff": 0.01,
            "kolada_timeout": 5,
            "kolada_attempts": 3,
            "kolada_connections": 2,
        }
        return Settings(_env_file=None, **(base | changes))

    return make


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts a loopback server, which ends with the test."""
    with ExitStack() as stack:

        def start(dataset: Dataset, *faults: Fault, per_page: int = 5000) -> KoladaServer:
            return stack.enter_context(KoladaServer(dataset, faults, per_page=per_page))

        yield start


@pytest.fixture
def small() -> Dataset:
    """A synthetic full catalogue with data of three KPIs for all municipalities, two years."""
    return live_like(
        Settings(_env_file=None), kpi_ids=("U40800", "U40806", "N01951", "N40011"), years=(2021, 2022)
    )


@pytest.fixture
def recorded() -> Path:
    """The directory of recorded answers; skips where it is not at hand."""
    if not SAMPLES.is_dir():
        pytest.skip(f"no recorded answers at {SAMPLES}")
    return SAMPLES


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> SampleRun:
    """One run on the sample, made once for all test processes; its home is not to be changed."""

    def make(folder: Path) -> None:
        done = ame(folder / "home", "run", "--json")
        folder.with_suffix(".json").write_text(json.dumps(asdict(done)))

    folder = made_once(tmp_path_factory, worker_id, "sample-run", make)
    done = Done(**json.loads(folder.with_suffix(".json").read_text()))
    assert done.status == 0, done.stderr
    return SampleRun(folder / "home", done, done.json())


class Cases:
    """Counts the cases that one test goes through; the end of the test run shows the number."""

    def __init__(self) -> None:
        self.number = 0

    def add(self, number: int = 1) -> None:
        self.number += number


@pytest.fixture
def cases(record_property: Callable[[str, object], None]) -> Iterator[Cases]:
    """A counter of cases, shown in the summary of the test run."""
    counter = Cases()
    yield counter
    record_property(CASES, counter.number)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases each test with a counter went through."""
    found = [
        (report.nodeid, value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for name, value in report.user_properties
        if name == CASES
    ]
    if found:
        terminalreporter.section("cases")
        for nodeid, number in sorted(set(found)):
            terminalreporter.line(f"{number:>7} {nodeid}")
