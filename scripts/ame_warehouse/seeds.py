"""Read the seed files of the dbt project: the one place where the catalogue stands."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from ame_warehouse.errors import SeedError, SettingsError
from ame_warehouse.settings import Settings


def read_seed(settings: Settings, name: str, required: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of a seed as text; raise `SeedError` when it is unreadable or lacks a column."""
    path: Path = settings.seeds / f"{name}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            rows = list(reader)
            columns = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise SeedError(
            f"the seed {name}.csv cannot be read",
            expected="a UTF-8 file with comma-separated columns",
            found=f"{type(exc).__name__}: {exc}",
            source=str(path),
            action="restore the file from version control, or correct the line that is named",
        ) from exc
    lacking = [column for column in required if column not in columns]
    if lacking or not rows:
        raise SeedError(
            f"the seed {name}.csv " + ("lacks columns" if lacking else "has no rows"),
            expected=", ".join(required),
            found=", ".join(columns) or "an empty file",
            source=str(path),
            action="restore the file from version control",
        )
    return rows


@dataclass(frozen=True)
class CatalogueKpi:
    """One row of the KPI catalogue, as far as the fetch needs it."""

    kpi_id: str
    measure_id: str
    title: str
    is_current: bool


def catalogue(settings: Settings) -> list[CatalogueKpi]:
    """Return the KPIs to load, in catalogue order."""
    rows = read_seed(settings, "kpi_catalogue", ("kpi_id", "measure_id", "title_sv", "in_current_catalogue"))
    return [
        CatalogueKpi(row["kpi_id"], row["measure_id"], row["title_sv"], row["in_current_catalogue"] == "1")
        for row in rows
    ]


def place_ids(settings: Settings) -> list[str]:
    """Return the ids of the places in scope, in id order: all 312, or the chosen ones and riket.

    Raises `SettingsError` when AME_MUNICIPALITIES names an id that is neither a place nor a group.
    """
    places = [row["id"] for row in read_seed(settings, "municipalities", ("id", "title", "type"))]
    scope = settings.municipality_scope
    if not scope:
        return sorted(places)
    members: dict[str, set[str]] = {}
    for row in read_seed(settings, "municipality_group_members", ("group_id", "municipality_id")):
        members.setdefault(row["group_id"], set()).add(row["municipality_id"])
    chosen = {"0000"}
    for item in scope:
        if item in places:
            chosen.add(item)
        elif item in members:
            chosen |= members[item]
        else:
            raise SettingsError(
                f"AME_MUNICIPALITIES names {item!r}, which is neither a municipality nor a group",
                expected="4-character municipality ids (1480) or group ids (G96190), comma-separated",
                found=settings.municipalities,
                source="environment or .env",
                action="see dbt_project/seeds/municipalities.csv and municipality_groups.csv",
            )
    return sorted(chosen)
