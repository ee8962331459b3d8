"""The mutation run: every registered check removed and inverted; for each mutant at least one test fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.mutation import dbt_mutants, gx_mutants, running_mutants
from tests.mutation.dbt_world import RULES
from tests.mutation.running_world import DAYS
from tests.pipeline.home import SampleRun
from tests.unit.gx_world import BAD

from ame_warehouse.quality import register
from ame_warehouse.settings import PROJECT_ROOT, Settings

SETTINGS = Settings(project=PROJECT_ROOT)


def test_every_row_of_the_register_has_its_bad_data() -> None:
    """In the file that the row names; a kind of generic dbt test says itself what breaks it."""
    entries = register.load(SETTINGS).entries.values()
    kinds = {e.check_id for e in entries if e.is_family and e.stage == "dbt"}
    cases = {
        "tests/unit/gx_world.py": set(BAD),
        "tests/mutation/running_world.py": set(DAYS),
        "tests/mutation/dbt_world.py": set(RULES) | kinds,
    }
    for path in cases:
        assert (PROJECT_ROOT / path).is_file()
    assert [e.check_id for e in entries if e.check_id not in cases[e.bad_data]] == []


def test_mutants_of_the_expectations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, alive = gx_mutants.survivors(Settings(home=tmp_path, project=PROJECT_ROOT))
    with capsys.disabled():
        sys.stdout.write(
            f"\nGreat Expectations: {found} mutants of {len(BAD)} checks, {len(alive)} unnoticed\n"
        )
    assert alive == []
    assert found >= 2 * len(BAD)


def test_mutants_of_the_dbt_tests(sample_run: SampleRun, capsys: pytest.CaptureFixture[str]) -> None:
    home = Settings(home=sample_run.home, project=PROJECT_ROOT)
    candidate = sorted(home.build.glob("*.duckdb"))[-1]
    found = dbt_mutants.run(home, home.build / "target", candidate)
    with capsys.disabled():
        sys.stdout.write(
            f"\ndbt: {found.mutants} mutants of {found.tests} tests, {found.cases} sets of bad rows, "
            f"{len(found.survivors)} unnoticed\n"
        )
    assert found.survivors == []
    assert found.cases >= found.tests >= len(RULES)


def test_mutants_of_the_checks_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    found, alive = running_mutants.survivors()
    with capsys.disabled():
        sys.stdout.write(f"\nThe run: {found} mutants of {len(DAYS)} checks, {len(alive)} unnoticed\n")
    assert alive == []
    assert found == 2 * len(DAYS)
