"""A small warehouse whose whole chain runs in a second: two KPIs, three places, a loopback source.

State A is published; then the source says state B (two figures are revised, one is new). The
steps are those of the pipeline. In the quick form dbt and Great Expectations are left out (they have kill
points of their own in `test_killed_in_tools.py`); everything else is as in a real run.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import duckdb
from tests.unit import tiny_project

from ame_warehouse.builder import dbt_runner
from ame_warehouse.pipeline import steps
from ame_warehouse.publish.files import sha256
from ame_warehouse.quality import gx_runner
from ame_warehouse.quality.results import CheckResult, now_text
from ame_warehouse.sample.dataset import Dataset, kpi_record, value
from ame_warehouse.settings import PROJECT_ROOT, Settings

KPIS = ("U40800", "U40803")
PLACES = ("0000", "1440", "1480")
SEEDS = ("municipalities.csv", "municipality_groups.csv", "municipality_group_members.csv")
CHECKED = ("check_landing", "run_dbt", "check_marts", "publish", "announce")


def make_project(folder: Path) -> Path:
    """Write the project below `folder` and return its directory."""
    project = tiny_project.make(folder).project
    seeds = PROJECT_ROOT / "dbt_project" / "seeds"
    for name in SEEDS:
        shutil.copy(seeds / name, project / "dbt_project" / "seeds")
    rows = (seeds / "kpi_catalogue.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [rows[0], *[row for row in rows if row.startswith(KPIS)]]
    (project / "dbt_project" / "seeds" / "kpi_catalogue.csv").write_text("".join(kept), encoding="utf-8")
    return project


def source(state: str) -> Dataset:
    """Return what the source says in state A or B."""
    dataset = Dataset(
        [kpi_record(kpi, f"Deltagare {kpi}", divided=True) for kpi in KPIS],
        [{"id": place, "title": place, "type": "L" if place == "0000" else "K"} for place in PLACES],
    )
    for number, kpi in enumerate(KPIS):
        for place in PLACES:
            for year in (2021, 2022):
                base = 100 + 10 * number + int(place) % 97 + year - 2000
                inner = [value("K", base), value("M", base + 5), value("T", 2 * base + 5)]
                dataset.put(kpi, place, year, inner)
    if state == "B":
        dataset.put("U40800", "1480", 2022, [value("K", 300), value("M", 301), value("T", 601)])
        dataset.put("U40803", "1440", 2021, [value("K", 40), value("M", 41), value("T", 81)])
        dataset.put("U40803", "1440", 2023, [value("K", 11), value("M", 12), value("T", 23)])
    return dataset


def environment(home: Path, project: Path, url: str, dsn: str = "") -> dict[str, str]:
    """Return the settings of a run as environment variables."""
    return {
        "AME_HOME": str(home),
        "AME_PROJECT": str(project),
        "AME_SOURCES": "live",
        "AME_KOLADA_URL": url,
        "AME_KOLADA_RPS": "100000",
        "AME_KOLADA_CONNECTIONS": "1",
        "AME_KOLADA_TIMEOUT": "5",
        "AME_KOLADA_ATTEMPTS": "2",
        "AME_KOLADA_BACKOFF": "0",
        "AME_MUNICIPALITIES": "1440,1480",
        "AME_SERVE_DSN": dsn,
        "AME_ALERT_URLS": "",
    }


def settings_of(env: dict[str, str]) -> Settings:
    """Return the settings that a run with this environment has."""
    return Settings(
        _env_file=None,
        home=Path(env["AME_HOME"]),
        project=Path(env["AME_PROJECT"]),
        sources="live",
        kolada_url=env["AME_KOLADA_URL"],
        municipalities=env["AME_MUNICIPALITIES"],
        serve_dsn=env["AME_SERVE_DSN"],
    )


def _passed(settings: Settings, stage: Any, candidate: Path, **_options: Any) -> list[CheckResult]:
    return [
        CheckResult(
            check_id=f"quick_{stage}",
            severity="error",
            status="passed",
            stage=stage,
            expected="as agreed",
            found="as agreed",
            owner="operator",
            message="It is as agreed.",
            action="Look.",
            ran_at=now_text(),
        )
    ]


def be_quick() -> None:
    """Leave dbt and Great Expectations out of this process."""
    dbt_runner.run_dbt = tiny_project.build_without_dbt
    gx_runner.run_stage = _passed


def chain() -> str:
    """Run the steps from fetch to announce in this process, with the settings of the environment."""
    fetched = steps.fetch_kolada()
    steps.parse_landing(fetched["fetch_ids"])
    plan = steps.plan_build()
    if plan["needed"]:
        for name in CHECKED:
            getattr(steps, name)(plan["version"])
    return str(plan["version"])


def run_here(env: dict[str, str]) -> str:
    """Do `chain` with an environment."""
    os.environ.update(env)
    return chain()


def tables(home: Path) -> dict[str, Any]:
    """Return what the manifest says of every published table: rows and checksum."""
    manifest = json.loads((home / "published" / "manifest.json").read_text(encoding="utf-8"))
    return {name: (one["rows"], one["checksum"]) for name, one in manifest["tables"].items()}


# What a manifest says of the run and not of the data; `tables` and `damaged_files` compare the rest.
OF_THE_RUN = {
    *("version", "fingerprint", "fingerprint_parts", "built_at", "as_of", "sources", "files"),
    *("tables", "row_counts"),
}


def said_of_data(home: Path) -> dict[str, Any]:
    """Return what the manifest says beside tables and times: mode, scope, Swedish views, staleness."""
    manifest = json.loads((home / "published" / "manifest.json").read_text(encoding="utf-8"))
    rows = {name: one["rows"] for name, one in manifest["tables"].items()}
    assert manifest["row_counts"] == rows
    kept = {name: value for name, value in manifest.items() if name not in OF_THE_RUN}
    return kept | {"file names": sorted(manifest["files"])}


def damaged_files(home: Path) -> list[str]:
    """Return the published files that are not what the manifest says of them."""
    published = home / "published"
    manifest = json.loads((published / "manifest.json").read_text(encoding="utf-8"))
    return [name for name, one in manifest["files"].items() if sha256(published / name) != one["sha256"]]


def figures(relation: str, path: Path | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of the mart from a DuckDB file (`path`) or from Parquet files."""
    sql = f"select municipality_id, year, participants from {relation} order by all"
    if path is None:
        with duckdb.connect() as con:
            return con.execute(sql).fetchall()
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()
