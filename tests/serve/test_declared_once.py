"""Keys come from the dbt tests, Swedish names from the seed: each is said in one place."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ame_warehouse.publish.constraints import constraints
from ame_warehouse.serve import load
from ame_warehouse.settings import PROJECT_ROOT, Settings

DBT = PROJECT_ROOT / "dbt_project"


def test_keys_come_from_the_tests_of_dbt_and_from_the_tables(tmp_path: Path) -> None:
    def test_of(name: str, columns: list[str] | None = None, column: str | None = None, **config: Any) -> Any:
        return {
            "resource_type": "test",
            "attached_node": "model.ame.costs",
            "column_name": column,
            "test_metadata": {"name": name, "kwargs": {"columns": columns} if columns else {}},
            "config": {"severity": "ERROR", "where": None, **config},
        }

    nodes = {
        "model.ame.costs": {"resource_type": "model", "schema": "marts", "alias": "costs"},
        "a": test_of("unique_combination", ["municipality_id", "year"]),
        "b": test_of("not_null", column="value"),
        "c": test_of("unique", column="code"),
        "d": test_of("not_null", column="code", severity="WARN"),
        "e": test_of("not_null", column="code", where="year > 2000"),
        "f": test_of("not_null", column="gone"),
        "g": test_of("accepted_values", column="code"),
    }
    settings = Settings(home=tmp_path)
    (settings.build / "target").mkdir(parents=True)
    (settings.build / "target" / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    with duckdb.connect() as con:
        con.execute(
            "attach ':memory:' as candidate; create schema candidate.marts; create schema candidate.quality"
        )
        con.execute(
            "create table candidate.marts.costs (municipality_id int, year int, value double, code text)"
        )
        con.execute("create table candidate.quality.incidents (id text, seen int not null, primary key (id))")
        con.execute("create table candidate.quality.failing_x (id text)")
        found = constraints(settings, con)
    assert found["marts.costs"] == {
        "primary_key": ["municipality_id", "year"],
        "unique": [["code"]],
        "not_null": ["value"],
    }
    assert found["quality.incidents"]["primary_key"] == ["id"]
    assert "seen" in found["quality.incidents"]["not_null"]
    assert found["quality.failing_x"] == {"primary_key": [], "unique": [], "not_null": []}


def published_models() -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for schema in ("marts", "quality"):
        for path in sorted((DBT / "models" / schema).glob("*.yml")):
            for model in (yaml.safe_load(path.read_text()) or {}).get("models") or []:
                found[schema, model["name"]] = model
    return found


@pytest.mark.parametrize("model", published_models().items(), ids=lambda item: ".".join(item[0]))
def test_every_published_table_has_a_key_and_swedish_names(model: Any) -> None:
    (schema, name), body = model
    tests = [test for test in body.get("data_tests") or [] if isinstance(test, dict)]
    if schema == "marts" or name != "findings":
        assert any("unique_combination" in test for test in tests), "no key: add a unique_combination test"
    names = list(csv.DictReader((DBT / "seeds" / "swedish_names.csv").open(encoding="utf-8")))
    tables = {(row["schema_name"], row["name"]) for row in names if row["kind"] == "table"}
    columns = {row["name"]: row["name_sv"] for row in names if row["kind"] == "column"}
    assert (schema, name) in tables, "no Swedish name: add a row to swedish_names.csv"
    own = [column["name"] for column in body["columns"]]
    lacking = [column for column in own if column not in columns]
    assert not lacking, f"no Swedish name, add rows to swedish_names.csv: {lacking}"
    assert len({columns[column] for column in own}) == len(own)


def test_swedish_names_are_names() -> None:
    names = list(csv.DictReader((DBT / "seeds" / "swedish_names.csv").open(encoding="utf-8")))
    for row in names:
        assert row["name_sv"] == row["name_sv"].lower()
        assert row["name_sv"].replace("_", "a").isalnum()
        assert row["kind"] == "column" or row["name_sv"].isascii()
    assert {name for name, _, _ in load.publication().columns} <= {row["name"] for row in names}
