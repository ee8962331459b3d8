"""The real project, cut down to the models behind four tables, so that a whole run takes seconds.

Nothing is changed in what is kept: macros, models, seeds, the register and the suites are the project's own.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from ame_warehouse.settings import PROJECT_ROOT

TABLES = ("participants", "gaps", "observations", "quarantine")
LANDING = ("landing_observations", "landing_fetch")
MARTS = ("participants", "quarantine")
_REF = re.compile(r"ref\(\s*['\"](\w+)['\"]")


def cut_down(target: Path) -> Path:
    """Write the cut-down project to `target` and return it."""
    source = PROJECT_ROOT / "dbt_project"
    shutil.copytree(PROJECT_ROOT / "expectations", target / "expectations")
    for stage, suites in (("landing", LANDING), ("marts", MARTS)):
        body = {"name": stage, "suites": suites}
        (target / "expectations" / "checkpoints" / f"{stage}.json").write_text(json.dumps(body))
    kept = _needed(source)
    shutil.copytree(source / "macros", target / "dbt_project" / "macros")
    shutil.copytree(
        source / "seeds", target / "dbt_project" / "seeds", ignore=shutil.ignore_patterns("*.yml")
    )
    shutil.copy(source / "profiles.yml", target / "dbt_project")
    body = yaml.safe_load((source / "dbt_project.yml").read_text())
    for path in (source / "seeds").glob("*.csv"):
        if path.stem not in kept:
            body["seeds"][body["name"]][path.stem] = {"+enabled": False}
    (target / "dbt_project" / "dbt_project.yml").write_text(yaml.safe_dump(body))
    for path in source.rglob("*"):
        place = target / "dbt_project" / path.relative_to(source)
        if not path.is_file() or path.parent.name in ("macros", "tests"):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".sql" and path.stem in kept:
            shutil.copy(path, place)
        elif path.suffix == ".yml" and path.parent != source and "unit_tests" not in path.name:
            place.write_text(yaml.safe_dump(_entries(yaml.safe_load(path.read_text()), kept)))
    return target


def _needed(source: Path) -> set[str]:
    """Return the models and seeds that the tables are made of, with themselves."""
    texts = {path.stem: path.read_text() for path in (source / "models").rglob("*.sql")}
    macros = "\n".join(path.read_text() for path in (source / "macros").glob("*.sql"))
    waiting, found = [*TABLES, *_REF.findall(macros)], set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _REF.findall(texts.get(name, ""))
    return found


def _entries(body: dict[str, Any], kept: set[str]) -> dict[str, Any]:
    """Return the yml without tests, and without what has been left out."""
    found: dict[str, Any] = {"version": 2}
    for kind in ("models", "seeds"):
        rows = [row for row in body.get(kind, []) if row["name"] in kept]
        found |= {kind: [_without_tests(row) for row in rows]} if rows else {}
    if "sources" in body:
        found["sources"] = [_without_tests(row) for row in body["sources"]]
    return found


def _without_tests(row: Any) -> Any:
    if isinstance(row, dict):
        return {k: _without_tests(v) for k, v in row.items() if k not in ("data_tests", "tests")}
    return [_without_tests(one) for one in row] if isinstance(row, list) else row
