"""`ame backfill`: the preview agrees with what a fetch does; the log says who, why and what changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.history.calls import ame

from ame_warehouse.cli import backfill
from ame_warehouse.errors import SettingsError, SourceUnavailableError
from ame_warehouse.history import backfill_log
from ame_warehouse.history.backfill import Order
from ame_warehouse.pipeline import build, runner, steps
from ame_warehouse.quality.backfill_table import write_backfills
from ame_warehouse.settings import load_settings

pytestmark = pytest.mark.pipeline

PART = ("--measures", "U40800,N40011", "--years", "2021-2022", "--municipalities", "1480,1419")


def chain(settings: Any, options: runner.RunOptions, _display: Any) -> dict[str, Any]:
    """The run without Airflow, as far as the plan of the build."""
    fetched = steps.fetch_kolada(**asked(options))
    parsed = steps.parse_landing(fetched["fetch_ids"])
    plan = build.plan_build(settings)
    return {"steps": {"fetch_kolada": fetched, "parse_landing": parsed, "plan_build": plan}, "log": ""}


def asked(options: runner.RunOptions) -> dict[str, Any]:
    """What the DAG hands to the step."""
    names = ("measures", "municipalities", "years", "reason", "requested_by", "resume")
    return {name: options.conf()[name] for name in names}


def test_dry_run_says_the_requests_of_the_fetch(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landed = sorted((own_home / "landing" / "kolada").iterdir())
    plan = ame("backfill", *PART, "--dry-run", "--json").json()
    assert (plan["measures"], plan["places"], plan["years"]) == (2, 3, [2021, 2022])
    assert plan["cells"] == (3 + 1) * 3 * 2  # participants by sex, costs in total; riket is always asked for
    assert (plan["has_value"], plan["missing"]) == loaded(own_home)
    assert sorted((own_home / "landing" / "kolada").iterdir()) == landed
    assert not (own_home / "quality" / "backfills.jsonl").exists()

    monkeypatch.setattr(runner, "run", chain)
    done = ame("backfill", *PART, "--reason", "the municipality corrected its answer", "--json")
    assert done.status == 0, done.err
    entry = done.json()
    assert entry["requests"] == plan["requests"] <= plan["requests_at_most"]
    assert entry["outcome"] == "done"
    assert entry["version_after"] == entry["version_before"], "the source says the same: nothing is built"
    assert set(entry["changed"].values()) == {0}
    assert entry["measures"] == ["U40800", "N40011"]
    assert entry["by"]
    lines = (own_home / "quality" / "backfills.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["started", "fetched", "done"]
    assert json.loads(lines[-1]) == entry
    status = ame("status").out
    assert "the municipality corrected its answer" in status
    assert "nothing changed" in status


def loaded(home: Path) -> tuple[int, int]:
    with duckdb.connect(str(home / "published" / "warehouse.duckdb"), read_only=True) as con:
        row = con.execute(
            "select count(value), count(*) - count(value) from marts.observations where"
            " kpi_id in ('U40800', 'N40011') and municipality_id in ('0000', '1480', '1419')"
            " and year in (2021, 2022)"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def test_what_changed_is_logged_and_published(own_home: Path) -> None:
    """What a version brings is said of each backfill that is in it, and of no other."""
    settings = load_settings()
    before = build.plan_build(settings)["version"]
    fetched = steps.fetch_kolada(["U40800"], requested_by="analyst")
    candidate = settings.build / "candidate.duckdb"
    assert backfill_log.settled(settings, "V", None, candidate) == [], (
        "nothing is settled before it is parsed"
    )
    steps.parse_landing(fetched["fetch_ids"])
    shutil.copy(own_home / "published" / "warehouse.duckdb", candidate)
    with duckdb.connect(str(candidate)) as con:
        con.execute(
            "update marts.observation_history set value = value + 1 where kpi_id = 'U40800'"
            " and value is not null and municipality_id = '1480' and year = 2022 and gender = 'T'"
        )
    early = "2020-01-01T00:00:00Z"
    assert backfill_log.settled(settings, "V", early, candidate) == [], "the build was planned before"
    (done,) = backfill_log.settled(settings, "V", None, candidate)
    assert {kind: n for kind, n in done["changed"].items() if n} == {"revised": 1}
    assert (done["version_before"], done["version_after"]) == (before, "V")
    with duckdb.connect(str(candidate)) as con:
        write_backfills(con, backfill_log.merged(settings, [done]))
        rows = con.execute(
            "select requested_by, measures, outcome, n_revised, n_added from quality.backfills order by all"
        ).fetchall()
    assert rows == [("analyst", "U40800", "done", 1, 0)]
    backfill_log.write(settings, [done])
    assert "analyst: U40800: 1 revised" in ame("status").out


def test_an_interrupted_backfill_goes_on_where_it_stopped(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after it has landed: the same call asks nothing again; another call does."""

    def killed(_settings: Any, options: runner.RunOptions, _display: Any) -> dict[str, Any]:
        steps.fetch_kolada(**asked(options))
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        backfill._run(load_settings(), Order(["U40800"], None, [2022]), "analyst", "a correction")
    assert "landed, not published yet" in ame("status").out
    landed = sorted((own_home / "landing" / "kolada").iterdir())

    monkeypatch.setattr(runner, "run", chain)
    again = ("backfill", "--measures", "U40800", "--years", "2022", "--json")
    called = ame(*again)
    assert called.status == 0, called.err
    assert "nothing is asked again" in called.err
    assert sorted((own_home / "landing" / "kolada").iterdir()) == landed
    done = called.json()
    assert (done["outcome"], done["reason"], done["by"]) == ("done", "a correction", "analyst")
    assert ame(*again).json()["backfill_id"] != done["backfill_id"], "what is done is asked for anew"
    assert len(sorted((own_home / "landing" / "kolada").iterdir())) == len(landed) + 3
    with pytest.raises(SettingsError, match="cannot go on"):
        steps.fetch_kolada(["U40800"], resume="nothing")


def test_a_failure_is_logged_too_and_a_cut_line_does_no_harm(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_settings: Any, _options: Any, _display: Any) -> dict[str, Any]:
        raise SourceUnavailableError("the source cannot be reached", action="run again")

    monkeypatch.setattr(runner, "run", run)
    (own_home / "quality").mkdir(exist_ok=True)
    (own_home / "quality" / "backfills.jsonl").write_text('{"by": "someb')
    done = ame("backfill", *PART, "--reason", "r")
    assert done.status == 1
    assert "cannot be reached" in done.err
    backfills = ame("status", "--json").json()["backfills"]
    assert [(one["outcome"], one["reason"]) for one in backfills] == [("failed", "r")]


def test_errors_come_before_anything_is_asked(home: Path) -> None:
    for wrong in (
        (),
        ("--measures", "U99999"),
        ("--years", "20x"),
        ("--municipalities", "9999", "--years", "2022"),
    ):
        called = ame("backfill", *wrong, "--json")
        assert called.status == 2, wrong
        assert called.err
    plan = ame("backfill", "--measures", "U40800", "--dry-run", "--json").json()
    assert (plan["cells"], plan["requests_at_most"]) == (None, None), "the years are the source's to say"
    assert "all years" in ame("backfill", "--measures", "U40800", "--dry-run").out
    assert load_settings().home == home
