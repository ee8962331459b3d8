"""The source's own means of our groups, from the stored answers: one row per KPI, group, year and gender."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ame_warehouse.landing.store import Objects
from ame_warehouse.landing.tables import timestamp


def group_value_rows(fetch: dict[str, Any], objects: Objects) -> list[dict[str, Any]]:
    """Return the values of the groups that were asked for; what is in another form is left out."""
    base = {"fetch_id": fetch["fetch_id"], "fetched_at": timestamp(fetch["fetched_at"])}
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for asked in fetch.get("group_value_sets", []):
        for checksum in asked["objects"]:
            for record, value in _values(objects.get(checksum)):
                kpi_id, group_id = record.get("kpi"), record.get("municipality")
                if kpi_id not in asked["kpi_ids"] or group_id not in asked["group_ids"]:
                    continue
                year, gender, number = record.get("period"), value.get("gender"), value.get("value")
                if not str(year).isdigit() or isinstance(number, bool) or not isinstance(number, int | float):
                    continue
                key = (kpi_id, group_id, int(str(year)), str(gender))
                rows[key] = {
                    **base,
                    **dict(zip(("kpi_id", "group_id", "year", "gender"), key, strict=True)),
                    "value": float(number),
                    "member_count": value.get("count") if isinstance(value.get("count"), int) else None,
                }
    return list(rows.values())


def _values(body: bytes) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each value of an answer with its record; nothing of an answer that is not as agreed."""
    try:
        records = json.loads(body)["values"]
    except (ValueError, KeyError, TypeError):
        return
    for record in records if isinstance(records, list) else []:
        for value in (record.get("values") or []) if isinstance(record, dict) else []:
            if isinstance(value, dict) and not value.get("isdeleted"):
                yield record, value
