"""The facts that the contract refers to, read from the seeds: catalogue, compositions, places, groups."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
RIKET = "0000"
GENDERS = ("T", "K", "M")


@dataclass(frozen=True)
class Measure:
    """One KPI of the catalogue."""

    kpi_id: str
    measure_id: str
    topic: str
    category_id: str
    unit: str
    denominator: str
    is_divided: bool | None
    first_year: int | None
    discontinued: int | None
    is_current: bool
    is_kas: bool

    @property
    def genders(self) -> tuple[str, ...]:
        """The genders that the catalogue promises; the total alone where it says nothing."""
        return GENDERS if self.is_divided else ("T",)


@dataclass(frozen=True)
class Category:
    """One part of a composition, with the years in which it belongs to it."""

    composition_id: str
    kpi_id: str
    category_id: str
    first: int | None
    last: int | None

    def valid(self, year: int) -> bool:
        """Say whether the category is part of the composition in that year; an empty bound is open."""
        return (self.first is None or self.first <= year) and (self.last is None or year <= self.last)


def _rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _year(text: str) -> int | None:
    return int(text) if text else None


@cache
def measures() -> dict[str, Measure]:
    """Return the catalogue by KPI id."""
    return {
        row["kpi_id"]: Measure(
            kpi_id=row["kpi_id"],
            measure_id=row["measure_id"],
            topic=row["topic"],
            category_id=row["category_id"],
            unit=row["unit"],
            denominator=row["denominator"],
            is_divided={"1": True, "0": False}.get(row["is_divided_by_gender"]),
            first_year=_year(row["first_year_known"]),
            discontinued=_year(row["discontinued_last_year"]),
            is_current=row["in_current_catalogue"] == "1",
            is_kas=row["original_source"].startswith("Egen "),
        )
        for row in _rows("kpi_catalogue")
    }


@cache
def titles() -> dict[str, str]:
    """Return the Swedish title of each KPI, as the catalogue has it."""
    return {row["kpi_id"]: row["title_sv"] for row in _rows("kpi_catalogue")}


@cache
def compositions() -> dict[str, tuple[Category, ...]]:
    """Return the categories of each composition."""
    found: dict[str, list[Category]] = {}
    for row in _rows("kpi_compositions"):
        category = Category(
            row["composition_id"],
            row["kpi_id"],
            row["category_id"],
            _year(row["valid_from_year"]),
            _year(row["valid_to_year"]),
        )
        found.setdefault(category.composition_id, []).append(category)
    return {name: tuple(parts) for name, parts in found.items()}


@cache
def places() -> dict[str, tuple[str, str]]:
    """Return (name, type) of the 312 places by id."""
    return {row["id"]: (row["title"], row["type"]) for row in _rows("municipalities")}


@cache
def municipalities() -> tuple[str, ...]:
    """Return the ids of the 290 municipalities, in order."""
    return tuple(sorted(i for i, (_, kind) in places().items() if kind == "K"))


@cache
def groups() -> dict[str, tuple[str, ...]]:
    """Return the members of each group, in id order; riket is never one."""
    found: dict[str, set[str]] = {row["group_id"]: set() for row in _rows("municipality_groups")}
    for row in _rows("municipality_group_members"):
        found[row["group_id"]].add(row["municipality_id"])
    return {name: tuple(sorted(members - {RIKET})) for name, members in found.items()}


@cache
def status_reasons() -> dict[str, str]:
    """Return what a status text beside a null value means; other texts count as not reported."""
    return {
        row["status"]: row["missing_reason"] for row in _rows("status_reasons") if row["source"] == "kolada"
    }
