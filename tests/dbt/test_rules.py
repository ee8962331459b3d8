"""Every rule of the contract as a dbt unit test, run against the real models (built empty first)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from ame_warehouse.landing.schema import TABLES, ddl
from ame_warehouse.settings import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_project"

# rule of the contract → models whose unit tests must prove it
RULES = {
    "missing reasons": {"int_observations__versions", "int_measures__cells"},
    "change against the year before": {"participants", "int_participants__cells"},
    "change between any two years": {"participant_changes"},
    "composition status and comparison year": {"participant_profile"},
    "share classes": {"referrals"},
    "cost per participant": {"costs"},
    "group means, reporters, constant panel": {"group_summary"},
    "expected cells": {"int_measures__expected"},
    "gaps": {"gaps"},
    "coverage": {"coverage"},
}


def dbt(arguments: list[str], work: Path) -> subprocess.CompletedProcess[str]:
    """Run dbt on the project with its files under `work`."""
    environment = {
        **os.environ,
        "AME_OBSERVATIONS": str(work / "observations"),
        "AME_BUILD_FILE": str(work / "rules.duckdb"),
        "DO_NOT_TRACK": "1",
    }
    return subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *("--target-path", str(work / "target"), "--log-path", str(work / "logs")),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


@pytest.fixture(scope="module")
def unit_results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """Model → (unit test, status), after `dbt build --empty` and the unit tests of all models."""
    work = tmp_path_factory.mktemp("rules")
    folder = work / "observations" / "source=kolada" / "fetch=none"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        for table in TABLES:
            connection.execute(f'create table "{table}" ({ddl(table)})')
            connection.execute(f"copy \"{table}\" to '{folder / (table + '.parquet')}'")
    for arguments in (["seed"], ["run", "--empty"]):
        built = dbt(arguments, work)
        assert built.returncode == 0, built.stdout[-4000:]
    tested = dbt(["test", "--select", "test_type:unit"], work)
    results = json.loads((work / "target" / "run_results.json").read_text())["results"]
    failed = [item["unique_id"] for item in results if item["status"] != "pass"]
    assert tested.returncode == 0, f"{failed}\n{tested.stdout[-6000:]}"
    found: dict[str, list[tuple[str, str]]] = {}
    for item in results:
        _, _, model, name = item["unique_id"].split(".")
        found.setdefault(model, []).append((name, item["status"]))
    return found


@pytest.mark.parametrize("rule", sorted(RULES))
def test_rule_is_proved(rule: str, unit_results: dict[str, list[tuple[str, str]]]) -> None:
    for model in RULES[rule]:
        assert unit_results.get(model), f"{rule}: no unit test of the model {model} ran"
        assert {status for _, status in unit_results[model]} == {"pass"}


def test_every_published_column_is_described() -> None:
    published = [
        model
        for folder in ("marts", "quality")
        for path in sorted((PROJECT / "models" / folder).glob("*.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    ]
    without_grain = [model["name"] for model in published if "Grain" not in model.get("description", "")]
    undescribed = [
        f"{model['name']}.{column['name']}"
        for model in published
        for column in model["columns"]
        if not column.get("description", "").strip() or not column.get("data_type")
    ]
    models = {
        path.stem for folder in ("marts", "quality") for path in (PROJECT / "models" / folder).glob("*.sql")
    }
    assert {model["name"] for model in published} == models
    assert (without_grain, undescribed) == ([], [])


def test_an_odd_figure_of_arbetsformedlingen_does_not_stop_the_publication() -> None:
    """A check of what AF's workbooks say warns; only a fault of the models is an error."""
    of_the_source = {
        "jobseekers_monthly_rule_1",  # not negative
        "jobseekers_monthly_rule_3",  # at most 100 % (a small group, an older labour force)
        "rusta_och_matcha_rule_1",  # participants = A + B + C
        "rusta_och_matcha_rule_3",  # weighted result not negative
        "rusta_och_matcha_history_rule_1",
        "rusta_och_matcha_history_rule_3",
    }
    severities = {
        test["holds"]["name"]: test["holds"].get("config", {}).get("severity", "error")
        for path in (PROJECT / "models" / "marts").glob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
        for test in model.get("data_tests", [])
        if "holds" in test and "name" in test["holds"]
    }
    assert {name: severities[name] for name in of_the_source} == dict.fromkeys(of_the_source, "warn")
