"""One run of the whole chain on the sample, shared by the tests that look at what it left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.pipeline.home import SampleRun, ame


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> SampleRun:
    home = tmp_path_factory.mktemp("sample-run") / "home"
    done = ame(home, "run", "--json")
    assert done.status == 0, done.stderr
    return SampleRun(home, done, done.json())


@pytest.fixture
def used_home(sample_run: SampleRun, tmp_path: Path) -> Path:
    """A copy of the home after the first run, without Airflow's history and without build leftovers."""
    home = tmp_path / "home"
    shutil.copytree(sample_run.home, home, ignore=shutil.ignore_patterns("airflow", "build", ".locks"))
    return home
