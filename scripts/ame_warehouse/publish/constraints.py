"""Keys of the published tables: said once, by dbt tests beside the model or by constraints of the table."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from ame_warehouse.settings import Settings

OWN_SQL = """
select schema_name || '.' || table_name, constraint_type, constraint_column_names
from duckdb_constraints()
where database_name = 'candidate' and constraint_type in ('PRIMARY KEY', 'UNIQUE', 'NOT NULL')
order by schema_name, table_name, constraint_index
"""
COLUMNS_SQL = """
select schema_name || '.' || table_name, list(column_name order by column_index)
from duckdb_columns()
where database_name = 'candidate'
group by all
"""
Constraints = dict[str, list[Any]]


def constraints(settings: Settings, con: duckdb.DuckDBPyConnection) -> dict[str, Constraints]:
    """Return the constraints of the tables of the attached database `candidate`, by `schema.table`.

    Each has `primary_key` (columns; empty when unknown), `unique` (lists of columns), `not_null` (columns).
    They come from dbt's tests of severity `error` (`unique_combination`, `unique`, `not_null`) in the
    manifest of this build; tables that Python writes say it in their own DDL. A test of columns that the
    table lacks is of another build and counts for nothing.
    """
    columns = dict(con.execute(COLUMNS_SQL).fetchall())
    found = {name: Constraints(primary_key=[], unique=[], not_null=[]) for name in columns}
    tests = _dbt_tests(settings)
    for name, kind, names in [*con.execute(OWN_SQL).fetchall(), *tests]:
        if name not in found or not set(names) <= set(columns[name]):
            continue
        known = found[name]
        if kind == "PRIMARY KEY":
            known["primary_key"] = list(names)
        elif kind == "UNIQUE" and list(names) not in known["unique"]:
            known["unique"].append(list(names))
        elif kind == "NOT NULL":
            known["not_null"] += [column for column in names if column not in known["not_null"]]
    return found


def _dbt_tests(settings: Settings) -> list[tuple[str, str, list[str]]]:
    """Return (schema.table, kind of constraint, columns) of the tests in dbt's manifest of the last build."""
    try:
        body = json.loads((settings.build / "target" / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    nodes: dict[str, Any] = body.get("nodes", {})
    found: list[tuple[str, str, list[str]]] = []
    for node in nodes.values():
        model = nodes.get(node.get("attached_node") or "")
        test = node.get("test_metadata") or {}
        config = node.get("config") or {}
        certain = str(config.get("severity", "error")).lower() == "error" and not config.get("where")
        if node.get("resource_type") != "test" or model is None or not certain:
            continue
        name = f"{model['schema']}.{model['alias']}"
        kwargs = test.get("kwargs") or {}
        if test.get("name") == "unique_combination":
            found.append((name, "PRIMARY KEY", list(kwargs.get("columns") or [])))
        elif test.get("name") == "unique":
            found.append((name, "UNIQUE", [node["column_name"]]))
        elif test.get("name") == "not_null":
            found.append((name, "NOT NULL", [node["column_name"]]))
    return sorted(found)
