"""A copy of the home after one run of the whole chain, for the tests that change it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.pipeline.home import SampleRun


@pytest.fixture
def used_home(sample_run: SampleRun, tmp_path: Path) -> Path:
    """A copy of the home after the first run, without Airflow's history and without build leftovers."""
    home = tmp_path / "home"
    shutil.copytree(sample_run.home, home, ignore=shutil.ignore_patterns("airflow", "build", ".locks"))
    return home
