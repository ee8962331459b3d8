"""dbt in one process: what it builds, how its tests become check results, how faults read."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest
from tiny_project import grave, land, make

from ame_warehouse.builder.dbt_runner import log_file, run_dbt
from ame_warehouse.errors import BuildError
from ame_warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make(tmp_path)


def tree(root: Path) -> dict[str, int]:
    return {str(p.relative_to(root)): p.stat().st_mtime_ns for p in sorted(root.rglob("*"))}


def test_models_and_tests_of_a_good_build(settings: Settings) -> None:
    land(settings, "f1", 300.0, 20.0)
    before, environment = tree(settings.project), dict(os.environ)
    candidate = settings.build / "c.duckdb"
    told: list[tuple[str, int, int]] = []
    run = run_dbt(
        Settings(home=settings.home, project=settings.project, municipalities="1440,1480"),
        candidate,
        as_of="2024-06-01T00:00:00",
        on_node=lambda name, done, total: told.append((name, done, total)),
    )
    assert run.count() == {"success": 2, "pass": 2}
    assert {c.check_id: (c.status, c.severity, c.stage) for c in run.checks} == {
        "participants_are_there": ("passed", "error", "dbt"),
        "participants_are_many": ("passed", "warning", "dbt"),
    }
    assert [(done, total) for _, done, total in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {name for name, _, _ in told} == {node.name for node in run.nodes}
    with duckdb.connect(str(candidate), read_only=True) as con:  # dbt has let go of the file
        rows = con.execute("select distinct mode, as_of, scope from marts.participants").fetchall()
        comment = con.execute(
            "select comment from duckdb_tables() where table_name = 'participants'"
        ).fetchone()
    assert rows == [("sample", "2024-06-01T00:00:00", "1440+1480")]
    assert comment == ("One row per municipality and year.",)
    assert tree(settings.project) == before, "the repository is only read"
    assert dict(os.environ) == environment
    assert log_file(settings.build).is_file()


def test_failing_tests_keep_their_rows(settings: Settings) -> None:
    land(settings, "f1", None, 3.0, 4.0, 500.0)
    candidate = settings.build / "c.duckdb"
    checks = {c.check_id: c for c in run_dbt(settings, candidate).checks}
    bad = checks["participants_are_there"]
    assert (bad.status, bad.severity, bad.failing_rows) == ("failed", "error", 1)
    assert bad.stops_publication
    assert (bad.owner, bad.message) == ("data_steward", "Every municipality reports.")
    assert (bad.expected, bad.action) == ("a figure", "Ask the municipality.")
    assert bad.found == "1 row that does not hold"
    warned = checks["participants_are_many"]
    assert (warned.status, warned.severity, warned.failing_rows) == ("failed", "warning", 2)
    assert not warned.stops_publication
    with duckdb.connect(str(candidate), read_only=True) as con:
        assert warned.failing_rows_table == "quality.failing_participants_are_many"
        rows = con.execute(f"select participants from {warned.failing_rows_table} order by all").fetchall()
    assert rows == [(3.0,), (4.0,)]


def test_a_test_that_cannot_run_is_errored_and_stops(settings: Settings) -> None:
    land(settings, "f1", 300.0)
    path = settings.dbt_project / "tests" / "participants_are_many.sql"
    path.write_text("select no_such_column from {{ ref('participants') }}", encoding="utf-8")
    yml = settings.dbt_project / "models" / "schema.yml"
    yml.write_text(
        yml.read_text(encoding="utf-8").replace("severity: warn", "severity: error"), encoding="utf-8"
    )
    grave(settings, "participants_are_many")
    checks = {c.check_id: c for c in run_dbt(settings, settings.build / "c.duckdb").checks}
    broken = checks["participants_are_many"]
    assert (broken.status, broken.failing_rows, broken.failing_rows_table) == ("errored", 0, None)
    assert broken.stops_publication
    assert "no_such_column" in broken.found
    assert checks["participants_are_there"].status == "passed"


def test_a_model_that_cannot_be_built_names_file_and_log(settings: Settings) -> None:
    land(settings, "f1", 300.0)
    path = settings.dbt_project / "models" / "participants.sql"
    path.write_text("select nonsense from {{ ref('kpi_catalogue') }}", encoding="utf-8")
    with pytest.raises(BuildError, match="could not build the model participants") as caught:
        run_dbt(settings, settings.build / "c.duckdb")
    text = str(caught.value)
    assert "nonsense" in (caught.value.found or "")
    assert "models/participants.sql" in text
    assert str(log_file(settings.build)) in text
    assert caught.value.action


def test_an_unreadable_seed_names_the_seed(settings: Settings) -> None:
    land(settings, "f1", 300.0)
    (settings.seeds / "kpi_catalogue.csv").write_bytes(b"\xff\xfe\x00garbage")
    with pytest.raises(BuildError) as caught:
        run_dbt(settings, settings.build / "c.duckdb")
    assert "kpi_catalogue" in str(caught.value)


def test_a_project_that_does_not_parse(settings: Settings) -> None:
    land(settings, "f1", 300.0)
    (settings.dbt_project / "models" / "participants.sql").write_text(
        "select {{ ref('gone') }}", encoding="utf-8"
    )
    with pytest.raises(BuildError, match="could not read the project") as caught:
        run_dbt(settings, settings.build / "c.duckdb")
    assert "gone" in (caught.value.found or "")
