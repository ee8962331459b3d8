"""Backfill, the reload of chosen measures and years: what it would ask of the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ame_warehouse.errors import AmeError
from ame_warehouse.settings import Settings

PAGE_SIZE = 5000
LISTS = 3  # the lists of measures, places and groups, when no fetch says how many pages they have
SEXES = 3


@dataclass(frozen=True)
class Order:
    """What is asked for; None means all (of the catalogue, of the scope, of the years)."""

    measures: list[str] | None
    municipalities: list[str] | None
    years: list[int] | None

    def record(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        return {"measures": self.measures, "municipalities": self.municipalities, "years": self.years}


def preview(settings: Settings, order: Order) -> dict[str, Any]:
    """Return what a backfill would ask, without asking the source anything.

    Keys: measures, places (numbers), years, fetches, requests (when every answer is one page and the same
    measures have records as are loaded now: only of those the means of groups are asked), requests_at_most
    (with the pages of full answers and the means of all; None when the years are not given), cells (measure
    × place × year × sex; None likewise), has_value, missing (of the cells that are loaded now; None when
    nothing is published), not_in_catalogue (measures that the source does not list any more). An answer that
    is in doubt is asked for once more; that cannot be foreseen.
    Raises `SettingsError` for unknown measures, places or years.
    """
    from ame_warehouse.kolada.plan import questions
    from ame_warehouse.landing.metadata import source_group_ids
    from ame_warehouse.pipeline.ingest import chosen_kpis, chosen_places, chosen_years
    from ame_warehouse.seeds import read_seed

    kpis = chosen_kpis(settings, order.measures)
    places = chosen_places(settings, order.municipalities)
    years = chosen_years(order.years)
    listed = [kpi.kpi_id for kpi in kpis if kpi.is_current]
    plan = questions(listed, places, years)
    groups = source_group_ids(settings)
    loaded = _loaded(settings, listed, places, years)
    answered = _answered(settings, listed, places, years, loaded)
    lists = _lists(settings) * len(answered)
    most = [*plan, *questions(listed, groups, years)]
    divided = {
        row["kpi_id"]
        for row in read_seed(settings, "kpi_catalogue", ("kpi_id", "is_divided_by_gender"))
        if row["is_divided_by_gender"] == "1"
    }
    sexes = sum(SEXES if kpi in divided else 1 for kpi in listed)
    return {
        "measures": len(listed),
        "places": len(places),
        "years": years,
        "fetches": len(answered),
        "requests": lists + sum(len(plan) + len(questions(kpis, groups, years)) for kpis in answered),
        "requests_at_most": lists + len(answered) * sum(_pages(q) for q in most) if years else None,
        "cells": sexes * len(places) * len(years) if years else None,
        "has_value": None if loaded is None else sum(have for have, _ in loaded.values()),
        "missing": None if loaded is None else sum(lack for _, lack in loaded.values()),
        "not_in_catalogue": [kpi.kpi_id for kpi in kpis if not kpi.is_current],
    }


def _pages(question: Any) -> int:
    records = len(question.kpi_ids) * len(question.municipality_ids) * len(question.years or ())
    return max(1, -(-records // PAGE_SIZE))


def _lists(settings: Settings) -> int:
    """Return how many requests the lists of the source take: as in the newest fetch of this mode."""
    from ame_warehouse.landing.store import fetch_ids, read_fetch

    for fetch_id in reversed(fetch_ids(settings.landing)):
        fetch = read_fetch(settings.landing, fetch_id)
        if fetch["mode"] == settings.sources:
            return sum(len(fetch[name]) for name in ("catalogue_objects", "place_objects", "group_objects"))
    return LISTS


def _answered(
    settings: Settings,
    kpis: list[str],
    places: list[str],
    years: list[int] | None,
    loaded: dict[str, tuple[int, int]] | None,
) -> list[list[str]]:
    """Return, for each fetch, the KPIs of which records are to be expected; all, when nothing is known."""
    from ame_warehouse.sample.tables import vintages

    if settings.sources == "live":
        return [kpis if loaded is None else sorted(loaded)]
    states = [state.data(kpis, places, years) for _, state in sorted(vintages(settings).items())]
    return [sorted({record["kpi"] for record in records}) for records in states]


def _loaded(
    settings: Settings, kpis: list[str], places: list[str], years: list[int] | None
) -> dict[str, tuple[int, int]] | None:
    """Return how many cells of each KPI are loaded now, with a value and without; None: nothing published."""
    from ame_warehouse.pipeline.published import open_published

    try:
        with open_published(settings) as con:
            rows = con.execute(
                "select kpi_id, count(value), count(*) - count(value) from marts.observations "
                "where list_contains($kpis, kpi_id) and list_contains($places, municipality_id) "
                "and ($years is null or list_contains($years, year)) group by kpi_id",
                {"kpis": kpis, "places": places, "years": years},
            ).fetchall()
    except AmeError:
        return None
    return {kpi: (have, lack) for kpi, have, lack in rows}
