"""Ask the metrics of the dbt project (MetricFlow) of a published DuckDB file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from ame_warehouse.settings import PROJECT_ROOT

Row = tuple[Any, ...]


class DuckDbDialect:
    """What MetricFlow has to know to write SQL for DuckDB; the SQL is run by `Questions`."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


class Questions:
    """Metrics by name, asked of a published file under the name that the candidate had when dbt built it."""

    def __init__(self, home: Path) -> None:
        target = home / "build" / "target"
        self.dbt_manifest = target / "manifest.json"
        manifest = parse_manifest_from_dbt_generated_manifest(
            (target / "semantic_manifest.json").read_text(encoding="utf-8")
        )
        self.manifest = manifest
        self.engine = MetricFlowEngine(SemanticManifestLookup(manifest), DuckDbDialect())  # type: ignore[arg-type]
        built_as = manifest.semantic_models[0].node_relation.database
        self.connection = duckdb.connect()
        published = home / "published" / "warehouse.duckdb"
        self.connection.execute(f"attach '{published}' as \"{built_as}\" (read_only)")
        self.connection.execute(f'use "{built_as}"')

    def ask(self, metrics: list[str], by: list[str] | None = None, where: str | None = None) -> list[Row]:
        """Return rows (what it is grouped by, then the metrics), in the order of the grouping."""
        by = by or []
        sql = self._sql(
            metric_names=metrics,
            group_by_names=by,
            where_constraints=[where] if where else None,
        )
        columns = ", ".join([*by, *metrics])
        return self.sql(f"select {columns} from ({sql}) order by {', '.join(by) or '1'}")

    def ask_saved(self, name: str) -> list[Row]:
        """Return the rows of a saved query."""
        return self.sql(self._sql(saved_query_name=name))

    def _sql(self, **request: Any) -> str:
        return self.engine.explain(MetricFlowQueryRequest.create(**request)).sql_statement.sql

    def sql(self, query: str) -> list[Row]:
        """Return the rows of a query on the published tables."""
        return self.connection.execute(query).fetchall()

    @staticmethod
    def catalogue() -> list[dict[str, str]]:
        """Return the rows of the catalogue of measures."""
        with (PROJECT_ROOT / "dbt_project" / "seeds" / "kpi_catalogue.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))
