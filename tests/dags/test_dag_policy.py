"""What every DAG must have, so that an operator can rely on it."""

import ast
import json
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from ame_warehouse.pipeline import airflow_home
from ame_warehouse.settings import PROJECT_ROOT, Settings

DAGS = PROJECT_ROOT / "dags"
EXPECTED = {"ingest_kolada", "ingest_arbetsformedlingen", "build_warehouse", "watch_warehouse"}
ALLOWED_AT_TOP = {"__future__", "datetime", "typing", "airflow.sdk", "ame_warehouse.pipeline.dag_defaults"}
NOT_WRITING = {("build_warehouse", "is_needed"), ("ingest_arbetsformedlingen", "land.is_changed")}
HEAVY = {"duckdb", "pandas", "great_expectations", "dbt", "requests", "pyarrow", "zstandard"}

# Loads the DAGs as the DAG processor does, in a process of its own: Airflow reads its home once per process.
LOAD = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
bag = DagBag(dag_folder=sys.argv[1])
seconds = {s.file: s.duration.total_seconds() for s in bag.dagbag_stats}
dags = {
    d.dag_id: {
        "tags": sorted(d.tags), "doc_md": d.doc_md or "", "max_active_runs": d.max_active_runs,
        "catchup": d.catchup, "paused": d.is_paused_upon_creation, "schedule": repr(d.schedule),
        "params": {k: d.params.get_param(k).schema for k in d.params},
        "tasks": {
            t.task_id: {
                "owner": t.owner, "pool": t.pool, "retries": t.retries,
                "retry_delay": t.retry_delay.total_seconds(), "backoff": t.retry_exponential_backoff,
                "timeout": t.execution_timeout.total_seconds() if t.execution_timeout else None,
                "trigger_rule": t.trigger_rule.value, "upstream": sorted(t.upstream_task_ids),
                "outlets": [a.name for a in t.outlets],
            }
            for t in d.tasks
        },
    }
    for d in bag.dags.values()
}
loaded = sorted({m.split(".")[0] for m in set(sys.modules) - before})
answer = {"errors": bag.import_errors, "seconds": seconds, "dags": dags, "loaded": loaded}
json.dump(answer, open(sys.argv[2], "w"))
"""


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict:
    home = tmp_path_factory.mktemp("dags") / "home"
    settings = Settings(home=home)
    airflow_home.make_directories(settings)
    answer = home / "bag.json"
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(DAGS), str(answer)],
        env=airflow_home.environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(answer.read_text())


@pytest.fixture(scope="module", params=sorted(EXPECTED))
def dag(request: pytest.FixtureRequest, bag: dict) -> tuple[str, dict]:
    return request.param, bag["dags"][request.param]


def test_all_dags_are_found_and_nothing_else(bag: dict) -> None:
    assert bag["errors"] == {}
    assert set(bag["dags"]) == EXPECTED
    assert {path.stem for path in DAGS.glob("*.py")} == EXPECTED


def test_a_dag_file_parses_in_well_under_a_second(bag: dict) -> None:
    assert len(bag["seconds"]) == len(EXPECTED)
    assert max(bag["seconds"].values()) < 1.0


def test_parsing_loads_nothing_heavy(bag: dict) -> None:
    assert HEAVY.isdisjoint(bag["loaded"])


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda p: p.name)
def test_a_dag_file_imports_only_the_authoring_interface(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= ALLOWED_AT_TOP
        elif isinstance(node, ast.ImportFrom):
            assert node.module in ALLOWED_AT_TOP
    assert not path.name.startswith("dbt_")


def test_a_dag_says_what_it_does_and_what_to_do_when_it_fails(dag: tuple[str, dict]) -> None:
    doc = dag[1]["doc_md"]
    assert doc.lstrip().startswith("# ")
    for part in ("**What it does.**", "## When it fails", "*Do:*", "**Who is told.**"):
        assert part in doc
    tasks = {name.rsplit(".", 1)[-1] for name in dag[1]["tasks"]}
    triage = doc.split("## When it fails")[1]
    assert any(task in triage for task in tasks)


def test_a_dag_never_overlaps_itself_or_the_past(dag: tuple[str, dict]) -> None:
    assert dag[1]["max_active_runs"] == 1
    assert dag[1]["catchup"] is False
    assert dag[1]["paused"] is False


def test_a_dag_is_tagged(dag: tuple[str, dict]) -> None:
    assert "ame" in dag[1]["tags"]
    assert len(dag[1]["tags"]) >= 2


def test_every_task_has_an_owner_retries_with_growing_pauses_and_a_limit(dag: tuple[str, dict]) -> None:
    assert dag[1]["tasks"]
    for name, task in dag[1]["tasks"].items():
        assert task["owner"] == "ame-warehouse", name
        assert task["retries"] >= 2, name
        assert task["retry_delay"] >= 60, name
        assert task["backoff"] >= 2, name
        assert task["timeout"] is not None, name
        assert task["timeout"] <= timedelta(hours=6).total_seconds(), name


def test_every_writing_task_stands_in_the_pool_of_one(dag: tuple[str, dict]) -> None:
    for name, task in dag[1]["tasks"].items():
        if (dag[0], name) not in NOT_WRITING:
            assert task["pool"] == "ame_writer", name


def test_a_failure_cannot_be_hidden_by_a_task_that_runs_anyway(dag: tuple[str, dict]) -> None:
    for name, task in dag[1]["tasks"].items():
        assert task["trigger_rule"] == "all_success", name


def test_the_build_follows_the_ingest_and_says_that_it_has_published(bag: dict) -> None:
    ingest, build = bag["dags"]["ingest_kolada"], bag["dags"]["build_warehouse"]
    assert ingest["tasks"]["land.parse_landing"]["outlets"] == ["kolada_observations"]
    assert "kolada_observations" in build["schedule"]
    assert build["tasks"]["publish.publish"]["outlets"] == ["published_warehouse"]


def test_the_order_of_the_build(bag: dict) -> None:
    tasks = bag["dags"]["build_warehouse"]["tasks"]
    order = [
        "plan_build",
        "is_needed",
        "check_source.check_landing",
        "build.run_dbt",
        "check_result.check_marts",
        "publish.publish",
        "publish.announce",
        "publish.make_atlas",
    ]
    assert set(order) == set(tasks)
    for before, after in pairwise(order):
        assert before in tasks[after]["upstream"]


def test_the_params_have_a_schema(bag: dict) -> None:
    ingest = bag["dags"]["ingest_kolada"]["params"]
    lists, texts = {"measures", "municipalities", "years"}, {"reason", "requested_by", "resume"}
    assert set(ingest) == lists | texts
    for names, kind in ((lists, "array"), (texts, "string")):
        assert all(ingest[name]["type"] == ["null", kind] for name in names)
    assert bag["dags"]["build_warehouse"]["params"]["full_refresh"]["type"] == "boolean"
