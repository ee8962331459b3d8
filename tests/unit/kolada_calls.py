"""What the tests of the Kolada client share: four measures, one fetch of them, what became of each."""

from __future__ import annotations

from typing import Any

from ame_warehouse.landing.store import read_fetch
from ame_warehouse.pipeline.ingest import fetch_kolada
from ame_warehouse.settings import Settings

KPIS = ["N01951", "N40011", "U40800", "U40806"]


def fetch(settings: Settings, measures: list[str] | None = None, **more: Any) -> dict[str, Any]:
    result = fetch_kolada(settings, measures or KPIS, more.get("places"), more.get("years"))
    (fetch_id,) = result["fetch_ids"]
    return read_fetch(settings.landing, fetch_id)


def outcomes(record: dict[str, Any]) -> dict[str, str]:
    return {one["kpi_id"]: one["outcome"] for one in record["measures"]}


def errors(record: dict[str, Any]) -> dict[str, str]:
    return {one["kpi_id"]: one["error"] for one in record["measures"] if one["error"]}
