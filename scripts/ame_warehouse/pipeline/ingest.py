"""From the source to the parsed observations: the two steps before every build."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ame_warehouse.errors import SettingsError
from ame_warehouse.kolada.extract import Extract, Order, Progress
from ame_warehouse.landing import resume
from ame_warehouse.landing.index import parsed_fetch_ids
from ame_warehouse.landing.parse import parse_fetches, parse_missing
from ame_warehouse.landing.store import fetch_ids, read_fetch, remove_partials
from ame_warehouse.sample.server import serve_sample
from ame_warehouse.seeds import CatalogueKpi, catalogue, place_ids, places_named
from ame_warehouse.settings import Settings

FIRST_YEAR, LAST_YEAR = 1900, 2100


def fetch_kolada(
    settings: Settings,
    measures: Sequence[str] | None,
    municipalities: Sequence[str] | None,
    years: Sequence[int] | None,
    progress: Progress | None = None,
    *,
    go_on: bool = False,
) -> dict[str, Any]:
    """Fetch measures from Kolada (live) or from the bundled sample, into the landing.

    Args:
        measures: measure ids or KPI ids; None or empty = the whole catalogue.
        municipalities: municipality or group ids; None or empty = AME_MUNICIPALITIES. Riket is always in.
        years: years; None or empty = all.
        progress: called with (requests done, requests planned, label).
        go_on: a whole fetch of this order whose run ended before it was parsed is taken as it is; one that
            was interrupted goes on in any case.

    Returns {"fetch_ids": [...], "measures": {outcome: number of KPIs}, "requests": n}. With several vintages
    a KPI counts with its outcome in the newest one, as failed if any failed.
    Raises `SettingsError` for unknown ids, `SourceError` when nothing could be fetched, `LandingError` when
    the landing cannot be written.
    """
    kpis = chosen_kpis(settings, measures)
    places = chosen_places(settings, municipalities)
    span = chosen_years(years)
    remove_partials(settings.landing, keep=resume.resumable(settings.landing))
    parsed = set(parsed_fetch_ids(settings.observations)) if go_on else set(fetch_ids(settings.landing))
    fetches: list[dict[str, Any]] = []
    with _servers(settings) as servers:
        orders = [(url, Order(kpis, places, span, settings.sources, vintage)) for vintage, url in servers]
        landed = [resume.finished(settings.landing, order.asked(url), parsed) for url, order in orders]
        parse_missing(settings, besides=landed)
        for (url, order), had in zip(orders, landed, strict=True):
            if had is not None:
                fetches.append(read_fetch(settings.landing, had))
            else:
                fetches.append(Extract(settings, url, order, progress).run())
    return {
        "fetch_ids": [fetch["fetch_id"] for fetch in fetches],
        "measures": _outcomes(fetches),
        "requests": sum(fetch["n_requests"] for fetch in fetches),
    }


@contextmanager
def _servers(settings: Settings) -> Iterator[list[tuple[str | None, str]]]:
    """Give the (vintage, base address) to fetch from: the one live address, or the sample's, oldest first."""
    if settings.sources == "live":
        yield [(None, settings.kolada_url)]
        return
    with serve_sample(settings) as sample:
        yield list(sample.vintages())


def parse_landing(settings: Settings, fetch_ids: Sequence[str]) -> dict[str, Any]:
    """Parse fetches into Parquet (and any earlier one that is not parsed yet).

    Returns {"observations": rows written, "unchanged": measures whose content was known, "findings": rows}.
    """
    return dict(parse_fetches(settings, list(fetch_ids)))


def chosen_kpis(settings: Settings, measures: Sequence[str] | None) -> list[CatalogueKpi]:
    """Return the catalogue rows named by measure id or KPI id, in catalogue order; all when none is named."""
    rows = catalogue(settings)
    if not measures:
        return rows
    known = {row.kpi_id for row in rows} | {row.measure_id for row in rows}
    unknown = [name for name in measures if name not in known]
    if unknown:
        raise SettingsError(
            "a measure is not in the catalogue",
            expected="measure ids (ame_participants_total) or KPI ids (U40800)",
            found=", ".join(unknown),
            source="the measures that were asked for",
            action="see dbt_project/seeds/kpi_catalogue.csv",
        )
    wanted = set(measures)
    return [row for row in rows if row.kpi_id in wanted or row.measure_id in wanted]


def chosen_places(settings: Settings, municipalities: Sequence[str] | None) -> list[str]:
    """Return the places named by municipality or group id; those of AME_MUNICIPALITIES when none is named.

    Raises `SettingsError` for an unknown id, of AME_MUNICIPALITIES too, and when that names no municipality.
    """
    everywhere = place_ids(settings)
    if not municipalities:
        return everywhere
    return places_named(settings, municipalities)


def chosen_years(years: Sequence[int] | None) -> list[int] | None:
    """Return the years sorted and once each; None for all. Raises `SettingsError` for what is no year."""
    if not years:
        return None
    wrong = [year for year in years if type(year) is not int or not FIRST_YEAR <= year <= LAST_YEAR]
    if wrong:
        raise SettingsError(
            "a year cannot be used",
            expected=f"whole years from {FIRST_YEAR} to {LAST_YEAR}",
            found=", ".join(map(str, wrong)),
            source="the years that were asked for",
            action="correct the years",
        )
    return sorted(set(years))


def _outcomes(fetches: list[dict[str, Any]]) -> dict[str, int]:
    newest: dict[str, str] = {}
    for fetch in fetches:
        for one in fetch["measures"]:
            if newest.get(one["kpi_id"]) != "failed":
                newest[one["kpi_id"]] = one["outcome"]
    return dict(sorted(Counter(newest.values()).items()))
