"""A tiny dbt project with expectations, to test the build without the real models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import yaml

from ame_warehouse.builder.dbt_runner import DbtRun, NodeRun
from ame_warehouse.landing.schema import TABLES, ddl
from ame_warehouse.quality import failing_rows, register
from ame_warehouse.quality.results import CheckResult, Status, now_text
from ame_warehouse.settings import PROJECT_ROOT, Settings

FILES = {
    "dbt_project/dbt_project.yml": """
name: tiny
version: "1.0"
profile: ame
model-paths: [models]
seed-paths: [seeds]
test-paths: [tests]
macro-paths: [macros]
flags: {send_anonymous_usage_stats: false}
vars: {ame_mode: sample, ame_as_of: "", ame_scope: []}
models: {tiny: {+materialized: table, +schema: marts, +persist_docs: {relation: true, columns: true}}}
seeds: {tiny: {+schema: seeds}}
data_tests: {+store_failures_as: table, +schema: failures, +limit: 1000}
""",
    "dbt_project/profiles.yml": """
ame:
  target: build
  outputs:
    build:
      type: duckdb
      path: "{{ env_var('AME_BUILD_FILE') }}"
      threads: 1
      settings: {memory_limit: "{{ env_var('AME_MEMORY_LIMIT') }}"}
""",
    "dbt_project/macros/schema.sql": """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
""",
    "dbt_project/seeds/kpi_catalogue.csv": "kpi_id,measure_id\nU40800,participants\n",
    "dbt_project/models/participants.sql": """
select municipality_id, year, value as participants, '{{ var("ame_mode") }}' as mode,
    '{{ var("ame_as_of") }}' as as_of, '{{ var("ame_scope") | join("+") }}' as scope
from read_parquet('{{ env_var("AME_OBSERVATIONS") }}/source=kolada/fetch=*/observations.parquet')
where kpi_id in (select kpi_id from {{ ref('kpi_catalogue') }})
""",
    "dbt_project/models/schema.yml": """
models:
  - name: participants
    description: One row per municipality and year.
    columns:
      - name: participants
        description: Persons.
        data_tests:
          - not_null:
              name: participants_are_there
              config: {severity: error}
data_tests:
  - name: participants_are_many
    config: {severity: warn}
unit_tests:
  - name: never_run_in_a_build
    model: participants
    given: []
    expect: {rows: [{municipality_id: nonsense}]}
""",
    "dbt_project/tests/participants_are_many.sql": (
        "select * from {{ ref('participants') }} where participants < 10"
    ),
    "expectations/checkpoints/landing.json": json.dumps({"name": "landing", "suites": ["landed"]}),
    "expectations/checkpoints/marts.json": json.dumps({"name": "marts", "suites": ["mart"]}),
    "expectations/queries/landed.sql": "select count(*) as n from landing_observations",
    "expectations/queries/mart.sql": "select *, municipality_id as label from marts.participants",
}


REGISTER = """
bad_data: tests/unit
checks:
  - {check_id: participants_are_there, checked_by: dbt, stage: dbt, severity: error, owner: data_steward,
     says: Every municipality reports., expected: a figure, action: Ask the municipality.}
  - {check_id: participants_are_many, checked_by: dbt, stage: dbt, severity: warning, owner: data_steward,
     says: Places have many participants., expected: many, action: Look at the small ones.}
  - {check_id: something_landed, checked_by: great_expectations, stage: landing, severity: error,
     owner: operator, says: It is as agreed., expected: as agreed, action: Look.}
  - {check_id: figures_plausible, checked_by: great_expectations, stage: marts, severity: warning,
     owner: operator, says: It is as agreed., expected: as agreed, action: Look.}
"""


def suite(name: str, check_id: str, column: str, **limits: float) -> str:
    """Return a suite with one expectation: a column lies between limits."""
    expectation = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": column, **limits},
        "meta": {"check_id": check_id},
    }
    return json.dumps({"name": name, "expectations": [expectation]})


SUITES = {
    "expectations/suites/landed.json": suite("landed", "something_landed", "n", min_value=1),
    "expectations/suites/mart.json": suite("mart", "figures_plausible", "participants", max_value=1000),
}


def grave(settings: Settings, check_id: str, severity: str = "error") -> None:
    """Give a check of the project another severity; `error` stops a publication."""
    path = settings.project / "expectations" / "register" / "tiny.yml"
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    for row in rows["checks"]:
        if row["check_id"] == check_id:
            row["severity"] = severity
    path.write_text(yaml.safe_dump(rows), encoding="utf-8")


RUNNING = PROJECT_ROOT / "expectations" / "register" / "running.yml"


def make(tmp_path: Path) -> Settings:
    """Write the project and return its settings; nothing has landed yet."""
    project = tmp_path / "project"
    register = {
        "expectations/register/tiny.yml": REGISTER,
        "expectations/register/running.yml": RUNNING.read_text(encoding="utf-8"),
    }
    for name, text in {**FILES, **SUITES, **register}.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Settings(home=tmp_path / "home", project=project)


def land(settings: Settings, fetch_id: str, *values: float | None, day: str = "2024-01-01") -> None:
    """Write the parsed files of one fetch: one municipality per value (None = no answer)."""
    folder = settings.observations / "source=kolada" / f"fetch={fetch_id}"
    folder.mkdir(parents=True)
    with duckdb.connect() as con:
        for table in TABLES:
            con.execute(f"create table {table} ({ddl(table)})")
        con.execute(
            "insert into measures values (?, 'kolada', 'sample', ?, ?, '2024-01-01', 'U40800', 'complete', "
            "null, 1, 1, ?, ?, ['1440'], null)",
            [fetch_id, day, day, str(values), fetch_id],
        )
        for n, value in enumerate(values):
            con.execute(
                "insert into observations "
                "values (?, 'U40800', ?, 2022, 'T', ?, '', false, 1, null, null, 'x')",
                [fetch_id, f"{1440 + n}", value],
            )
        for table in TABLES:
            con.execute(f"copy {table} to '{folder / table}.parquet' (format parquet)")


def build_without_dbt(settings: Settings, candidate: Path, **_options: Any) -> DbtRun:
    """Do what dbt would do for this project, in a few milliseconds: for tests that are not about dbt."""
    files = settings.observations / "source=kolada" / "fetch=*" / "observations.parquet"
    with duckdb.connect(str(candidate)) as con:
        con.execute("create schema if not exists marts; create schema if not exists quality")
        con.execute(
            "create or replace table marts.participants as "
            f"select municipality_id, year, value as participants from read_parquet('{files}')"
        )
        con.execute("create or replace temp view small as from marts.participants where participants < 10")
        small = con.execute("select count(*) from small").fetchone()
        assert small
        entry = register.load(settings).entry("participants_are_many")
        table = failing_rows.write(con, entry, "small")
    status: Status = "failed" if small[0] else "passed"
    check = CheckResult(
        check_id="participants_are_many",
        severity="warning",
        status=status,
        stage="dbt",
        expected="many",
        found=f"{small[0]} small ones",
        owner="data_steward",
        message="Places have many participants.",
        action="Look at the small ones.",
        ran_at=now_text(),
        failing_rows=small[0],
        failing_rows_table=table,
    )
    return DbtRun(
        [NodeRun("m", "model", "participants", "success", "", "models/participants.sql", 0.0)], [check]
    )
