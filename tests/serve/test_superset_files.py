"""The files of the first dashboard (bi/superset) fit each other and the published tables."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from ame_warehouse.dictionary.entries import dictionary
from ame_warehouse.settings import PROJECT_ROOT, Settings

FOLDER = PROJECT_ROOT / "bi" / "superset"
ASSETS = FOLDER / "assets"
PUBLISHED = {table.full_name: table for table in dictionary(Settings(_env_file=None))}
SUMMED = re.compile(r"\b(sum|avg)\s*\(", re.IGNORECASE)


def read(kind: str) -> dict[str, dict[str, Any]]:
    """Return the files of a kind by their uuid."""
    bodies = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ASSETS / kind).rglob("*.yaml"))
    ]
    found = {body["uuid"]: body for body in bodies}
    assert len(found) == len(bodies)
    return found


DATABASES, DATASETS, CHARTS, DASHBOARDS = (
    read(kind) for kind in ("databases", "datasets", "charts", "dashboards")
)


def columns_of(dataset: dict[str, Any]) -> set[str]:
    return {column["column_name"] for column in dataset["columns"]}


def test_the_database_is_read_only_and_has_no_password() -> None:
    (database,) = DATABASES.values()
    assert re.fullmatch(r"postgresql\+psycopg2://ame_reader@[a-z0-9-]+:5432/ame", database["sqlalchemy_uri"])
    assert not any(database[name] for name in ("allow_dml", "allow_ctas", "allow_cvas", "allow_file_upload"))


@pytest.mark.parametrize(
    "dataset", DATASETS.values(), ids=lambda body: f"{body['schema']}.{body['table_name']}"
)
def test_a_dataset_is_a_published_table_with_swedish_labels(dataset: dict[str, Any]) -> None:
    table = PUBLISHED[f"{dataset['schema']}.{dataset['table_name']}"]
    known = {entry.column: (entry.label_sv or "").replace("_", " ") for entry in table.columns}
    assert dataset["database_uuid"] in DATABASES
    assert dataset["sql"] is None
    for column in dataset["columns"]:
        assert column["verbose_name"] == known[column["column_name"]]
    for metric in dataset["metrics"]:
        assert not SUMMED.search(metric["expression"]), (
            "shares and yearly counts are never summed or averaged"
        )
        named = re.findall(r"[a-z_]{4,}", metric["expression"].replace("COUNT", "").replace("MAX", ""))
        assert set(named) <= columns_of(dataset)


@pytest.mark.parametrize("chart", CHARTS.values(), ids=lambda body: body["slice_name"])
def test_a_chart_asks_for_what_its_dataset_has(chart: dict[str, Any]) -> None:
    dataset = DATASETS[chart["dataset_uuid"]]
    columns, metrics = columns_of(dataset), {metric["metric_name"] for metric in dataset["metrics"]}
    params = chart["params"]
    assert params["viz_type"] == chart["viz_type"]
    groupby = params.get("groupby") or []
    asked = {groupby} if isinstance(groupby, str) else set(groupby)
    asked |= {params[name] for name in ("x_axis",) if name in params} | set(params.get("all_columns") or [])
    asked |= {json.loads(order)[0] for order in params.get("order_by_cols") or []}
    asked |= {item["subject"] for item in params["adhoc_filters"] if item["expressionType"] == "SIMPLE"}
    assert asked <= columns
    assert {*(params.get("metrics") or []), *([params["metric"]] if "metric" in params else [])} <= metrics
    context = json.loads(chart["query_context"])
    (query,) = context["queries"]
    assert context["form_data"] == params
    assert {*query["columns"], *(item["col"] for item in query["filters"])} <= columns
    assert set(query["metrics"] or []) <= metrics
    if "gender" in columns and dataset["table_name"] != "gaps":
        assert {"col": "gender", "op": "==", "val": "T"} in query["filters"]
    assert chart["description"]


def test_the_dashboard_shows_every_chart_and_its_caveats() -> None:
    (dashboard,) = DASHBOARDS.values()
    held = dashboard["position"]
    charts = [item["meta"] for item in held.values() if isinstance(item, dict) and item["type"] == "CHART"]
    assert {meta["uuid"] for meta in charts} == set(CHARTS)
    assert all(CHARTS[meta["uuid"]]["slice_name"] == meta["sliceName"] for meta in charts)
    for name, item in held.items():
        if isinstance(item, dict):
            assert set(item.get("children") or []) <= set(held), name
    for chosen in dashboard["metadata"]["native_filter_configuration"]:
        for target in chosen["targets"]:
            assert target["column"]["name"] in columns_of(DATASETS[target["datasetUuid"]])
    text = next(
        item["meta"]["code"]
        for item in held.values()
        if isinstance(item, dict) and item["type"] == "MARKDOWN"
    )
    assert "Tomt är inte noll" in text
    cost = next(chart for chart in CHARTS.values() if "deltagare" in chart["slice_name"].split("per ")[-1])
    assert "anges inte med källan Kolada" in cost["description"]
    assert "hur länge" in cost["description"]


def test_the_exposure_names_the_tables_that_the_dashboard_reads() -> None:
    path = PROJECT_ROOT / "dbt_project" / "models" / "metrics" / "_exposures.yml"
    exposures = yaml.safe_load(path.read_text(encoding="utf-8"))["exposures"]
    (exposure,) = [one for one in exposures if one["name"].startswith("superset_")]
    named = {re.findall(r"'([a-z_]+)'\)", one)[0] for one in exposure["depends_on"]}
    assert named == {dataset["table_name"] for dataset in DATASETS.values()}
    (dashboard,) = DASHBOARDS.values()
    assert exposure["url"].endswith(f"/superset/dashboard/{dashboard['slug']}/")


def test_everything_secret_comes_from_the_environment() -> None:
    config = FOLDER / "superset_config.py"
    given = {"PATH": "/usr/bin:/bin", "SUPERSET_SECRET_KEY": "k", "SUPERSET_METADATA_URI": "sqlite://"}
    for name, uri, status in (
        ("reader", "postgresql+psycopg2://ame_reader:x@db.example/ame", 0),
        ("publisher", "postgresql+psycopg2://ame_publisher:x@db.example/ame", 1),
        ("nobody", None, 1),
    ):
        environment = given | ({"AME_READER_URI": uri} if uri else {})
        done = subprocess.run(
            [sys.executable, config], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, (name, done.stderr)
    for path in [*FOLDER.rglob("*.yaml"), config, FOLDER / "provision.sh", FOLDER / "import_assets.py"]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"://[^/\s:@]+:[^@\s…]+@", text), f"{path.name}: an address with a password"
    assert subprocess.run(["bash", "-n", FOLDER / "provision.sh"], check=False).returncode == 0
    lock = (FOLDER / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"^apache-superset==\S+ \\\n\s+--hash=sha256:", lock, re.MULTILINE)
    assert "://" not in re.sub(r"#.*", "", lock)
