"""One built home of the sample, made once for all test processes, without Airflow and without the checks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.history.homes import publish_candidate, set_home
from tests.shared import made_once

from ame_warehouse.builder.dbt_runner import run_dbt
from ame_warehouse.pipeline import build, steps
from ame_warehouse.settings import load_settings


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """This process's copy of a home with the fetches of the sample and one published version."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            set_home(patch, folder / "home")
            for fetch, parse in ((steps.fetch_kolada, steps.parse_landing), (steps.fetch_af, steps.parse_af)):
                parse(fetch()["fetch_ids"])
            settings = load_settings()
            version = build.plan_build(settings)["version"]
            candidate = build.candidate_path(settings, version)
            run_dbt(settings, candidate, is_tested=False)
            publish_candidate(settings, version)

    made = made_once(tmp_path_factory, worker_id, "history", make)
    home = tmp_path_factory.mktemp("built") / "home"
    subprocess.run(["cp", "-a", made / "home", home], check=True)  # a file with two names keeps them
    return home


@pytest.fixture
def home(built_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared home; the test must not change what is published in it."""
    set_home(monkeypatch, built_home)
    return built_home


@pytest.fixture
def own_home(built_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy that the test may change, without the candidates."""
    copy = tmp_path / "home"
    shutil.copytree(built_home, copy, symlinks=True, ignore=shutil.ignore_patterns("as_of", ".locks"))
    set_home(monkeypatch, copy)
    yield copy
    shutil.rmtree(copy)
