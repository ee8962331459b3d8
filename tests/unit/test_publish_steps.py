"""The steps of a build, each as its own call: what is published, what is refused, what the reader is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from tiny_project import build_without_dbt, grave, land, make

from ame_warehouse.errors import BuildError, CheckFailedError, PublishError, SeedError
from ame_warehouse.pipeline import build
from ame_warehouse.publish import publisher, rollback
from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.quality.incidents import acknowledge, list_incidents
from ame_warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make(tmp_path)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests that are not about dbt build the same table without it."""
    monkeypatch.setattr(build.dbt_runner, "run_dbt", build_without_dbt)


def run(settings: Settings, *, full_refresh: bool = False) -> dict[str, Any]:
    """Run all steps that are needed; return the plan with the results of the others."""
    plan = build.plan_build(settings, full_refresh)
    if plan["needed"]:
        for step in ("check_landing", "run_dbt", "check_marts", "publish", "announce"):
            plan[step] = getattr(build, step)(settings, plan["version"])
    return plan


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.published / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_first_build_then_nothing_to_do_then_a_change(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, "f1", 300.0, 5.0)
    first = run(settings)
    assert first["needed"]
    assert first["reason"] == "nothing is published yet"
    assert first["version"].endswith("Z-" + first["fingerprint"][:8])
    assert first["announce"]["opened"] == ["INC-0001"]
    body = read_manifest(settings)
    assert body is not None
    assert (body["version"], body["stale"], body["as_of"]) == (
        first["version"],
        False,
        "2024-01-01T00:00:00Z",
    )
    assert body["sources"]["kolada"]["newest_fetch"] == "f1"
    results = query(
        settings, "select check_id, status, success, failing_rows_table from quality.check_results"
    )
    assert sorted(results) == [
        ("dbt_build", "passed", True, None),
        ("figures_plausible", "passed", True, None),
        ("participants_are_many", "failed", False, "quality.failing_participants_are_many"),
        ("participants_are_there", "passed", True, None),
        ("something_landed", "passed", True, None),
    ]
    assert query(settings, "select participants from quality.failing_participants_are_many") == [(5.0,)]
    assert query(settings, "select check_id, times_seen from quality.incidents") == [
        ("participants_are_many", 1)
    ]
    failing = query(
        settings, "select table_name from duckdb_tables() where starts_with(table_name, 'failing_')"
    )
    assert failing == [("failing_participants_are_many",)], "empty tables of passed tests are not published"

    second = build.plan_build(settings)
    assert (second["needed"], second["version"]) == (False, first["version"])
    assert read_manifest(settings) == body

    (settings.observations / "source=kolada" / "fetch=f1").rename(settings.home / "kept")
    land(settings, "f2", 300.0, 50.0, day="2024-02-01")
    monkeypatch.setattr(build.dbt_runner, "run_dbt", build_without_dbt)
    third = run(settings)
    assert third["reason"] == "changed since the published version: observations"
    assert third["announce"]["resolved"] == ["INC-0001"]
    assert query(settings, "select count(*) from quality.incidents where resolved_at is not null") == [(1,)]


def test_a_build_that_a_newer_version_has_overtaken_is_not_gone_on_with(
    settings: Settings, quick: None
) -> None:
    """Somebody clears a failed task of an older run: readers keep the newer version, and are told no lie."""
    land(settings, "f1", 300.0, 50.0)
    first = run(settings)
    land(settings, "f2", 310.0, 50.0, day="2024-02-01")
    old = build.plan_build(settings)
    for step in ("check_landing", "run_dbt", "check_marts"):
        getattr(build, step)(settings, old["version"])
    land(settings, "f3", 320.0, 50.0, day="2024-03-01")
    new = run(settings)
    for is_rolled_back in (False, True):
        if is_rolled_back:
            rollback.put_back(settings, first["version"], by="steward", reason="a slip")
        before = read_manifest(settings)
        for step in ("check_landing", "run_dbt", "check_marts", "publish"):
            with pytest.raises(BuildError, match="a newer version has been published") as caught:
                getattr(build, step)(settings, old["version"])
            assert caught.value.found == new["version"]
        assert read_manifest(settings) == before
    assert list_incidents(settings, open_only=True) == []


def test_a_full_refresh_gives_the_same_checksums(settings: Settings, quick: None) -> None:
    land(settings, "f1", 300.0, 50.0)
    run(settings)
    before = read_manifest(settings)
    plan = run(settings, full_refresh=True)
    after = read_manifest(settings)
    assert before is not None and after is not None
    assert plan["reason"] == "a full refresh was asked for"
    assert before["tables"] == after["tables"]
    assert before["fingerprint"] == after["fingerprint"]


def test_an_acknowledgement_is_published(settings: Settings, quick: None) -> None:
    land(settings, "f1", 300.0, 5.0)
    run(settings)
    acknowledge(settings, "INC-0001", "steward", "a small place", "2026-01-01T00:00:00")
    plan = run(settings)
    assert plan["reason"] == "changed since the published version: acknowledged"
    assert query(settings, "select acknowledged_by, note, times_seen from quality.incidents") == [
        ("steward", "a small place", 2)
    ]


def test_a_failing_dbt_test_keeps_the_published_version_and_marks_it_stale(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, "f1", 300.0)
    with monkeypatch.context() as patch:
        patch.setattr(build.dbt_runner, "run_dbt", build_without_dbt)
        run(settings)
    good = read_manifest(settings)
    land(settings, "f2", None, day="2024-02-01")
    plan = build.plan_build(settings)
    build.check_landing(settings, plan["version"])
    with pytest.raises(CheckFailedError) as caught:
        build.run_dbt(settings, plan["version"])
    text = str(caught.value)
    assert "participants_are_there" in text and "Ask the municipality." in text and "a figure" in text
    with pytest.raises(PublishError, match="not been checked"):
        build.publish(settings, plan["version"])
    body = read_manifest(settings)
    assert good is not None and body is not None
    assert (body["version"], body["stale"]) == (good["version"], True)
    assert "participants_are_there" in body["stale_reason"]
    assert body["tables"] == good["tables"]
    assert [i.check_id for i in list_incidents(settings, open_only=True)] == ["participants_are_there"]
    with duckdb.connect(str(build.candidate_path(settings, plan["version"])), read_only=True) as con:
        assert con.execute("select count(*) from quality.failing_participants_are_there").fetchone() == (1,)

    assert build.plan_build(settings)["needed"], "the same inputs are tried again, and fail again"
    for table in (settings.observations / "source=kolada" / "fetch=f2").iterdir():
        table.unlink()
    assert not build.plan_build(settings)["needed"]
    again = read_manifest(settings)
    assert again is not None
    assert again["stale"] is False


def test_nothing_landed_is_refused_before_dbt(settings: Settings) -> None:
    plan = build.plan_build(settings)
    with pytest.raises(CheckFailedError, match="1 check of severity error"):
        build.check_landing(settings, plan["version"])
    assert read_manifest(settings) is None
    assert [i.check_id for i in list_incidents(settings)] == ["something_landed"]


def test_a_broken_check_of_severity_error_stops(settings: Settings, quick: None) -> None:
    land(settings, "f1", 300.0)
    (settings.project / "expectations/queries/mart.sql").write_text(
        "select * from marts.gone", encoding="utf-8"
    )
    grave(settings, "figures_plausible")
    with pytest.raises(CheckFailedError, match="figures_plausible could not run"):
        run(settings)
    grave(settings, "figures_plausible", "warning")
    run(settings)
    assert query(
        settings, "select status, success from quality.check_results where check_id = 'figures_plausible'"
    ) == [("errored", False)]


def test_a_model_that_fails_is_an_incident_that_goes_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, "f1", 300.0)
    monkeypatch.setattr(build.dbt_runner, "run_dbt", build_without_dbt)
    run(settings)
    monkeypatch.undo()
    model = settings.dbt_project / "models" / "participants.sql"
    text = model.read_text(encoding="utf-8")
    model.write_text("select nonsense", encoding="utf-8")
    with pytest.raises(BuildError, match="could not build"):
        run(settings)
    body = read_manifest(settings)
    assert body is not None and body["stale"]
    assert [i.check_id for i in list_incidents(settings, open_only=True)] == ["dbt_build"]
    model.write_text(text + " -- mended", encoding="utf-8")
    monkeypatch.setattr(build.dbt_runner, "run_dbt", build_without_dbt)
    run(settings)
    assert list_incidents(settings, open_only=True) == []


def test_a_publication_that_fails_marks_stale_and_can_be_repeated(
    settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, "f1", 300.0)
    first = run(settings)
    land(settings, "f2", 400.0, day="2024-02-01")
    plan = build.plan_build(settings)
    for step in ("check_landing", "run_dbt", "check_marts"):
        getattr(build, step)(settings, plan["version"])

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(publisher, "sync_tree", full)
        with pytest.raises(PublishError):
            build.publish(settings, plan["version"])
    body = read_manifest(settings)
    assert body is not None
    assert (body["version"], body["stale"]) == (first["version"], True)
    (incident,) = list_incidents(settings, open_only=True)
    assert (incident.check_id, incident.severity) == ("publication", "error")
    assert "No space left on device" in incident.summary
    build.publish(settings, plan["version"])
    body = read_manifest(settings)
    assert body is not None
    assert (body["version"], body["stale"]) == (plan["version"], False)
    assert list_incidents(settings, open_only=True) == []
    assert query(settings, "select check_id, resolved_at is null from quality.incidents") == [
        ("publication", False)
    ]


def test_a_column_that_the_dictionary_does_not_describe_stops_the_publication(
    settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, "f1", 300.0)
    first = run(settings)

    def undescribed(*_: Any) -> int:
        raise SeedError("marts.new.amount is not described", action="add a row to dictionary_rules")

    monkeypatch.setattr(build, "write_dictionary", undescribed)
    with pytest.raises(PublishError, match=r"marts\.new\.amount") as caught:
        run(settings, full_refresh=True)
    assert caught.value.action == "add a row to dictionary_rules"
    body = read_manifest(settings)
    assert body is not None
    assert (body["version"], body["stale"]) == (first["version"], True)
    assert "marts.new.amount" in body["stale_reason"]


def test_damaged_published_files_are_made_again(settings: Settings, quick: None) -> None:
    land(settings, "f1", 300.0)
    run(settings)
    (settings.published / "warehouse.duckdb").unlink()
    plan = run(settings)
    assert "made again" in plan["reason"]
    assert query(settings, "select participants from marts.participants") == [(300.0,)]


def test_old_candidates_are_removed(settings: Settings) -> None:
    land(settings, "f1", 300.0)
    for n in range(4):
        old = f"2020010{n}T000000Z-abcdef0{n}"
        settings.build.mkdir(parents=True, exist_ok=True)
        (settings.build / f"{old}.duckdb").touch()
        (settings.build / f"{old}.results.json").touch()
    build.plan_build(settings)
    assert sorted(p.name for p in settings.build.glob("2020*.duckdb")) == [
        "20200102T000000Z-abcdef02.duckdb",
        "20200103T000000Z-abcdef03.duckdb",
    ]


def test_a_step_of_an_unknown_build_is_a_readable_error(settings: Settings) -> None:
    with pytest.raises(BuildError, match="state of this build") as caught:
        build.check_landing(settings, "20260101T000000Z-00000000")
    assert "ame run" in (caught.value.action or "")


def test_a_work_space_that_cannot_be_written_is_a_readable_error(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    settings.build.write_text("a file where a directory should be")
    with pytest.raises(BuildError) as caught:
        build.plan_build(settings)
    assert str(settings.build) in str(caught.value)
    assert caught.value.action
