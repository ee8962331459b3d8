"""Read what the dbt project says of its published tables: descriptions, types, keys, seeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ame_warehouse.errors import SeedError
from ame_warehouse.seeds import read_seed
from ame_warehouse.settings import Settings

SCHEMAS = ("marts", "quality")


@dataclass(frozen=True)
class RawTable:
    """A published table as its yml has it.

    `columns` are (name, type, description) in order, `references` (column, model, column there).
    """

    schema: str
    name: str
    description: str
    columns: list[tuple[str, str, str]]
    key: list[str] = field(default_factory=list)
    references: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        """`marts.costs`."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Seeds:
    """The seeds of the dictionary as rows of text."""

    rules: list[dict[str, str]]
    sources: dict[str, dict[str, str]]
    labels: dict[str, str]
    tables_sv: dict[str, str]
    caveats: dict[str, str]
    first_years: dict[str, int]
    kpis: dict[str, dict[str, str]]


@cache
def raw_tables(project: Path) -> tuple[RawTable, ...]:
    """Return the published tables of the project: models of `marts` and `quality`, and what steps write.

    Empty when the project has no models. Raises `SeedError` when a yml file cannot be read.
    """
    found: list[RawTable] = []
    for schema in SCHEMAS:
        for path in sorted((project / "dbt_project" / "models" / schema).glob("*.yml")):
            body = _yaml(path)
            models = [*(body.get("models") or [])]
            for source in body.get("sources") or []:
                models += source["tables"] if source.get("schema") == schema else []
            found += [_table(schema, model) for model in models]
    return tuple(sorted(found, key=lambda table: (table.schema, table.name)))


def seeds(settings: Settings) -> Seeds:
    """Return the seeds that the dictionary is made of; raise `SeedError` when one is unreadable."""
    names = read_seed(settings, "swedish_names", ("kind", "schema_name", "name", "name_sv"))
    glossary = read_seed(settings, "glossary", ("term_id", "definition_en"))
    breaks = read_seed(settings, "series_breaks", ("break_id", "break_year", "note"))
    kpis = read_seed(settings, "kpi_catalogue", ("kpi_id", "first_year_known", "original_source"))
    sources = read_seed(settings, "dictionary_sources", ("source_id", "name", "licence"))
    rules = read_seed(settings, "dictionary_rules", ("table_name", "column_name", "unit", "source_ids"))
    return Seeds(
        rules=rules,
        sources={row["source_id"]: row for row in sources},
        labels={row["name"]: row["name_sv"] for row in names if row["kind"] == "column"},
        tables_sv={
            f"{row['schema_name']}.{row['name']}": row["name_sv"] for row in names if row["kind"] == "table"
        },
        caveats={
            **{row["term_id"]: row["definition_en"] for row in glossary},
            **{row["break_id"]: f"Series break {row['break_year']}: {row['note']}." for row in breaks},
        },
        first_years={row["kpi_id"]: int(row["first_year_known"]) for row in kpis if row["first_year_known"]},
        kpis={row["kpi_id"]: row for row in kpis},
    )


def _yaml(path: Path) -> dict[str, Any]:
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        body = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise SeedError(
            f"{path.name} cannot be read",
            expected="a yml file of the dbt project",
            found=f"{type(exc).__name__}: {str(exc).splitlines()[0]}",
            source=str(path),
            action="restore the file from version control, or correct the line that is named",
        ) from exc
    return body if isinstance(body, dict) else {}


def _table(schema: str, model: dict[str, Any]) -> RawTable:
    keys = [
        test["unique_combination"]["arguments"]["columns"]
        for test in model.get("data_tests") or []
        if isinstance(test, dict) and "unique_combination" in test
    ]
    return RawTable(
        schema=schema,
        name=model["name"],
        description=" ".join(str(model.get("description", "")).split()),
        columns=[
            (column["name"], str(column.get("data_type", "")), " ".join(column["description"].split()))
            for column in model.get("columns") or []
        ],
        references=[
            (column["name"], arguments["to"].split("'")[1], arguments["field"])
            for column in model.get("columns") or []
            for test in column.get("data_tests") or []
            if isinstance(test, dict) and (arguments := test.get("relationships", {}).get("arguments"))
        ],
        key=list(keys[0]) if keys else list((model.get("config") or {}).get("meta", {}).get("key") or []),
    )
