"""Every expectation can fail: bad data for each check make it, and only what must go with it, fail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from gx_good_world import checks, world
from gx_world import BAD, OTHER_SIDE, STILL_GOOD

from ame_warehouse.errors import BuildError
from ame_warehouse.quality import data_docs, gx_runner, suites
from ame_warehouse.quality.results import CheckResult
from ame_warehouse.seeds import read_seed
from ame_warehouse.settings import PROJECT_ROOT, Settings

SETTINGS = Settings(project=PROJECT_ROOT)
CHECKS = {check.check_id: check for check in checks(SETTINGS)}
STAGE = {suite.name: stage for stage in gx_runner.GX_STAGES for suite in suites.stage_suites(SETTINGS, stage)}


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gx_runner.Validator]:
    """One Great Expectations context for the whole module: it is the import that costs."""
    settings = Settings(home=tmp_path_factory.mktemp("gx"), project=PROJECT_ROOT)
    return gx_runner.Validator(settings, "test", "marts")


def run(validator: gx_runner.Validator, suite_name: str, *bad: str) -> dict[str, CheckResult]:
    suite = suites.load_suite(SETTINGS, suite_name)
    with world(SETTINGS) as con:
        for statement in bad:
            con.execute(statement)
        frame = con.execute(suite.query).df()
        found = gx_runner.run_suite(validator, suite, frame, con)
        for result in found:
            if result.failing_rows_table:
                kept = con.execute(f"select count(*) from {result.failing_rows_table}").fetchone()
                assert kept and kept[0] == result.failing_rows > 0
    return {result.check_id: result for result in found}


def test_every_check_has_bad_data_and_every_bad_data_a_check() -> None:
    assert set(BAD) == set(CHECKS)
    assert len(CHECKS) >= 60


@pytest.mark.parametrize("suite_name", sorted(STAGE))
def test_good_data_pass(validator: gx_runner.Validator, suite_name: str) -> None:
    found = run(validator, suite_name)
    assert {check_id: r.found for check_id, r in found.items() if r.status != "passed"} == {}


@pytest.mark.parametrize("check_id", sorted(BAD))
def test_bad_data_make_this_check_fail(validator: gx_runner.Validator, check_id: str) -> None:
    statement, also = BAD[check_id]
    check = CHECKS[check_id]
    found = run(validator, check.suite, statement)
    failing = {other for other, result in found.items() if result.status == "failed"}
    assert failing == {check_id} | also
    assert not [r for r in found.values() if r.status == "errored"]
    result = found[check_id]
    assert result.severity == check.entry.severity
    assert result.stops_publication == (check.entry.severity == "error")
    assert result.owner and result.action and result.message and result.expected
    assert result.found and "empty" not in result.found.split(": ")[-1]


@pytest.mark.parametrize("check_id", sorted(OTHER_SIDE))
def test_a_check_with_two_limits_holds_both(validator: gx_runner.Validator, check_id: str) -> None:
    assert run(validator, CHECKS[check_id].suite, OTHER_SIDE[check_id])[check_id].status == "failed"


def test_a_group_mean_of_an_earlier_fetch_is_not_compared(validator: gx_runner.Validator) -> None:
    statement = (
        "update landing_group_values set value = 99, fetched_at = timestamp '2024-01-02', fetch_id = 'f1'"
    )
    assert run(validator, "group_means", statement)["group_means_agree"].status == "passed"


@pytest.mark.parametrize("check_id", sorted(STILL_GOOD))
def test_what_a_check_must_let_pass(validator: gx_runner.Validator, check_id: str) -> None:
    assert run(validator, CHECKS[check_id].suite, STILL_GOOD[check_id])[check_id].status == "passed"


def test_a_sum_of_shares_above_100_is_no_slip_of_the_source(validator: gx_runner.Validator) -> None:
    statement = "update marts.referrals set share_pct = 101 where is_derived"
    assert all(r.success for r in run(validator, "referrals", statement).values())


def test_a_failed_check_names_the_rows(validator: gx_runner.Validator) -> None:
    result = run(validator, "participants", BAD["participants_swing"][0])["participants_swing"]
    assert result.found.endswith("Name 1480 2022 T: 151")
    assert result.failing_rows == 3
    assert result.failing_rows_table == "quality.failing_participants_swing"


def test_a_value_out_of_range_is_named_with_its_place_and_year(validator: gx_runner.Validator) -> None:
    suite = suites.load_suite(SETTINGS, "observations")
    with world(SETTINGS) as con:
        con.execute(
            "update marts.observations set value = 7 where measure_id = 'yes_no' and municipality_id = '1480'"
        )
        gx_runner.run_suite(validator, suite, con.execute(suite.query).df(), con)
        named = "select municipality_id, year, cells_out_of_range from quality.failing_observations_yes_no"
        assert con.execute(named).fetchall() == [("1480", 2022, "1480 2022 T: 7.0")]


def test_a_failed_measure_is_a_fault_of_its_own(validator: gx_runner.Validator) -> None:
    result = run(validator, "landing_measures", BAD["landing_measure_fetched"][0])["landing_measure_fetched"]
    measures = {row["kpi_id"]: row["measure_id"] for row in read_seed(SETTINGS, "kpi_catalogue", ())}
    assert list(result.scopes) == [measures["N40011"]]
    assert result.scope_rows == {measures["N40011"]: 1}
    assert "HTTP 500" in result.scopes[measures["N40011"]]
    assert "HTTP 500" in result.found


def test_a_value_that_is_missing_with_a_reason_is_no_failure(validator: gx_runner.Validator) -> None:
    statement = (
        "update marts.participants set participants = null, missing_reason = 'suppressed', change_pct = null"
    )
    assert all(r.success for r in run(validator, "participants", statement).values())


def test_an_empty_table_raises_nothing(validator: gx_runner.Validator) -> None:
    for table, suite in (("marts.participants", "participants"), ("marts.referrals", "referrals")):
        found = run(validator, suite, f"delete from {table}")
        assert {r.status for r in found.values()} == {"passed"}


def test_a_check_that_raises_is_errored_not_failed(validator: gx_runner.Validator) -> None:
    suite = suites.load_suite(SETTINGS, "costs")
    with world(SETTINGS) as con:
        frame = con.execute(suite.query).df().drop(columns=["gross_cost_sek_per_inhabitant"])
        found = {r.check_id: r for r in gx_runner.run_suite(validator, suite, frame, con)}
    broken = found.pop("costs_gross_cost_not_negative")
    assert broken.status == "errored"
    assert not broken.success
    assert "gross_cost_sek_per_inhabitant" in broken.found
    assert "could not run" in broken.found
    assert broken.owner == "data_engineer"
    assert broken.failing_rows_table is None
    assert {r.status for r in found.values()} == {"passed"}


def test_run_stage_on_a_candidate_without_tables(tmp_path: Path) -> None:
    """A query that fails makes every check of its suite errored, and those of severity error stop."""
    settings = Settings(home=tmp_path / "home", project=PROJECT_ROOT)
    done: list[tuple[int, int]] = []
    found = gx_runner.run_stage(
        settings,
        "marts",
        tmp_path / "candidate.duckdb",
        run_name="v1",
        on_suite=lambda n, of: done.append((n, of)),
    )
    assert {r.status for r in found} == {"errored"}
    assert any(r.stops_publication for r in found)
    assert "its query failed" in found[0].found
    assert done[-1][0] == done[-1][1] == len(done)


def test_landing_without_any_fetch_stops(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", project=PROJECT_ROOT)
    before = {p: p.stat().st_mtime_ns for p in (PROJECT_ROOT / "expectations").rglob("*")}
    found = {
        r.check_id: r
        for r in gx_runner.run_stage(settings, "landing", tmp_path / "candidate.duckdb", run_name="v1")
    }
    assert {r.check_id for r in found.values() if not r.success} == {
        "landing_not_empty",
        "landing_some_measure_fetched",
    }
    docs = data_docs.folder(settings)
    assert (docs / "index.html").is_file()
    assert (docs / "expectations" / "participants.html").is_file()
    assert before == {p: p.stat().st_mtime_ns for p in (PROJECT_ROOT / "expectations").rglob("*")}


def test_check_ids_are_unique_and_files_belong_together() -> None:
    folder = suites.folder(SETTINGS)
    names = set(STAGE)
    assert {p.stem for p in (folder / "suites").glob("*.json")} == names
    assert {p.stem for p in (folder / "queries").glob("*.sql")} == names
    ids = [c.check_id for c in checks(SETTINGS)]
    assert len(ids) == len(set(ids))


def project_with_a_suite(tmp_path: Path, **more: object) -> Settings:
    """A project with the register and the suite sorting_key, whose expectation has more in its meta."""
    project = tmp_path / "project"
    shutil.copytree(suites.folder(SETTINGS) / "register", project / "expectations" / "register")
    for part in ("suites", "queries"):
        (project / "expectations" / part).mkdir(parents=True)
    body = json.loads((suites.folder(SETTINGS) / "suites" / "sorting_key.json").read_text(encoding="utf-8"))
    body["expectations"][0]["meta"] |= more
    (project / "expectations/suites/sorting_key.json").write_text(json.dumps(body), encoding="utf-8")
    (project / "expectations/queries/sorting_key.sql").write_text("select 1", encoding="utf-8")
    return Settings(home=tmp_path, project=project)


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ({"check_id": None}, "no check_id"),
        ({"owner": "data_steward"}, "owner belong in the register"),
        ({"check_id": "watch_nothing_runs"}, "python checks it"),
    ],
)
def test_a_suite_in_another_form_is_refused(tmp_path: Path, meta: dict[str, object], told: str) -> None:
    with pytest.raises(BuildError, match="not in the form") as caught:
        suites.load_suite(project_with_a_suite(tmp_path, **meta), "sorting_key")
    assert "sorting_key.json" in str(caught.value)
    assert told in (caught.value.found or "")


def test_an_expectation_that_is_not_registered_is_refused(tmp_path: Path) -> None:
    settings = project_with_a_suite(tmp_path, check_id="nobody_knows_me")
    with pytest.raises(BuildError, match="nobody_knows_me is not in the register"):
        suites.load_suite(settings, "sorting_key")


def test_a_suite_runs_where_the_register_says(tmp_path: Path) -> None:
    settings = project_with_a_suite(tmp_path)
    checkpoints = settings.project / "expectations" / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "landing.json").write_text('{"suites": ["sorting_key"]}')
    with pytest.raises(BuildError) as caught:
        suites.stage_suites(settings, "landing")
    assert "the register says marts" in (caught.value.found or "")
