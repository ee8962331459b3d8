"""Read the seed files of the dbt project: the one place where the catalogue stands."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ame_warehouse.errors import SeedError, SettingsError
from ame_warehouse.settings import Settings


def read_seed(settings: Settings, name: str, required: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of a seed as text; raise `SeedError` when it is unreadable or lacks a column."""
    path: Path = settings.seeds / f"{name}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
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
    """Return the ids of the places in scope, in id order: all 312, or those of AME_MUNICIPALITIES and riket.

    Raises `SettingsError` when AME_MUNICIPALITIES names an id that is neither a place nor a group, or places
    of which none is a municipality: no figure would be expected then, and no gap be seen.
    """
    kinds = _kinds(settings)
    scope = settings.municipality_scope
    if not scope:
        return sorted(kinds)
    origin = ("AME_MUNICIPALITIES", "environment or .env")
    chosen = _named(settings, kinds, scope, origin)
    if not any(kinds[place] == "K" for place in chosen):
        raise SettingsError(
            "AME_MUNICIPALITIES names no municipality",
            expected="a municipality or a group: of regions and riket ('0000') no figures are expected",
            found=settings.municipalities,
            source=origin[1],
            action="add the municipalities, or leave it out for all of them",
        )
    return chosen


def places_named(settings: Settings, names: Sequence[str]) -> list[str]:
    """Return the ids of the named places, members of named groups, and riket, in id order.

    Raises `SettingsError` for an id that is neither a place nor a group.
    """
    origin = ("the wish", "the municipalities that were asked for")
    return _named(settings, _kinds(settings), names, origin)


def _kinds(settings: Settings) -> dict[str, str]:
    rows = read_seed(settings, "municipalities", ("id", "title", "type"))
    return {row["id"]: row["type"] for row in rows}


def _named(
    settings: Settings, places: Collection[str], names: Sequence[str], origin: tuple[str, str]
) -> list[str]:
    members: dict[str, set[str]] = {}
    for row in read_seed(settings, "municipality_group_members", ("group_id", "municipality_id")):
        members.setdefault(row["group_id"], set()).add(row["municipality_id"])
    chosen = {"0000"}
    for item in names:
        if item in places:
            chosen.add(item)
        elif item in members:
            chosen |= members[item]
        else:
            raise SettingsError(
                f"{origin[0]} names {item!r}, which is neither a municipality nor a group",
                expected="4-character municipality ids (1480) or group ids (G96190), comma-separated",
                found=",".join(names),
                source=origin[1],
                action="see dbt_project/seeds/municipalities.csv and municipality_groups.csv",
            )
    return sorted(chosen)
