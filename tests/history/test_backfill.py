"""`ame backfill`: the preview agrees with what a fetch does; the log says who, why and what changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.history.calls import ame

from ame_warehouse.errors import SourceUnavailableError
from ame_warehouse.pipeline import build, runner, steps
from ame_warehouse.settings import load_settings

pytestmark = pytest.mark.pipeline

PART = ("--measures", "U40800,N40011", "--years", "2021-2022", "--municipalities", "1480,1419")


def chain(settings: Any, options: runner.RunOptions, _display: Any) -> dict[str, Any]:
    """The run without Airflow, as far as the plan of the build."""
    fetched = steps.fetch_kolada(options.measures, options.municipalities, options.years)
    parsed = steps.parse_landing(fetched["fetch_ids"])
    plan = build.plan_build(settings)
    return {"steps": {"fetch_kolada": fetched, "parse_landing": parsed, "plan_build": plan}, "log": ""}


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
    assert entry["requests"] == plan["requests"]
    assert entry["outcome"] == "done"
    assert entry["version_after"] == entry["version_before"], "the source says the same: nothing is built"
    assert set(entry["changed"].values()) == {0}
    assert entry["measures"] == ["U40800", "N40011"]
    assert entry["by"]
    lines = (own_home / "quality" / "backfills.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [entry]
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


def test_what_changed_is_logged(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_settings: Any, _options: Any, _display: Any) -> dict[str, Any]:
        root = own_home / "published"
        body = json.loads((root / "manifest.json").read_text())
        later = root / "versions" / "20990101T000000Z-00000000"
        shutil.copytree(root / "versions" / body["version"], later)
        with duckdb.connect(str(later / "warehouse.duckdb")) as con:
            con.execute(
                "update marts.observation_history set value = value + 1 where kpi_id = 'U40800'"
                " and value is not null and municipality_id = '1480' and year = 2022 and gender = 'T'"
            )
        (root / "manifest.json").write_text(json.dumps({**body, "version": later.name}))
        return {"steps": {"fetch_kolada": {"requests": 7, "measures": {"complete": 1}}}, "log": ""}

    monkeypatch.setattr(runner, "run", run)
    done = ame("backfill", "--measures", "U40800", "--by", "analyst", "--json")
    assert done.status == 0, done.err
    assert {kind: n for kind, n in done.json()["changed"].items() if n} == {"revised": 1}
    assert "analyst: U40800: 1 revised" in ame("status").out


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
