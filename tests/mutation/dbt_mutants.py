"""Mutants of dbt's data tests: each test removed, and inverted.

The compiled SQL of the tests runs on a copy of the candidate without rows, to which the bad rows of
`dbt_world` are added and from which they are taken again: no dbt process per mutant. A removed test is
noticed by the page docs/checks.md, which lists every test of every table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from tests.mutation import dbt_world

from ame_warehouse.quality import checks_page, dbt_tests
from ame_warehouse.settings import Settings


@dataclass
class Found:
    """Tests looked at, mutants made, and what no case notices."""

    tests: int = 0
    cases: int = 0
    mutants: int = 0
    survivors: list[str] = field(default_factory=list)


def run(settings: Settings, target: Path, candidate: Path) -> Found:
    """Make and judge the mutants of all data tests in dbt's `target` directory (manifest.json)."""
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    tests = [node for node in nodes.values() if node["resource_type"] == "test"]
    found = Found(tests=len(tests))
    _removed(settings, found)
    with duckdb.connect() as con:
        dbt_world.empty_tables(con, str(candidate), tests[0]["database"])
        for test in tests:
            _inverted(con, nodes, test, found)
    return found


def _removed(settings: Settings, found: Found) -> None:
    """Take out each declared test in turn: the page must become another one."""
    declared = dbt_tests.declared(settings)
    whole = checks_page.by_table(declared)
    for number, test in enumerate(declared):
        found.mutants += 1
        if checks_page.by_table(declared[:number] + declared[number + 1 :]) == whole:
            found.survivors.append(f"{test.name or test.kind} on {test.subject}: removed")


def _inverted(
    con: duckdb.DuckDBPyConnection, nodes: dict[str, Any], test: dict[str, Any], found: Found
) -> None:
    """The test passes on no rows and fails on bad rows; inverted, it must do neither."""
    model = nodes[test["attached_node"]]
    relation = f'"{model["database"]}"."{model["schema"]}"."{model["alias"]}"'
    columns = {name: kind for name, kind, *_ in con.execute(f"describe {relation}").fetchall()}
    good = _n_failing(con, test) == 0
    noticed = []
    for rows in dbt_world.bad_rows(test, columns):
        found.cases += 1
        with dbt_world.filled(con, relation, rows):
            noticed.append(_n_failing(con, test) > 0)
    if not good or not all(noticed) or not noticed:
        found.survivors.append(f"{test['name']}: good data pass {good}, bad data noticed {noticed}")
    found.mutants += 1
    if not good and not any(noticed):
        found.survivors.append(f"{test['name']}: inverted")


def _n_failing(con: duckdb.DuckDBPyConnection, test: dict[str, Any]) -> int:
    row = con.execute(f"select count(*) from ({test['compiled_code']}) as failing").fetchone()
    return int(row[0]) if row else 0
