"""Luckor by month: municipality × month for one measure of Arbetsförmedlingen; a part of the page Luckor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from ame_warehouse.atlas.site import Site

MEASURES_SQL = """
select measure_id, count(*) as gaps, count(*) filter (where kind = 'new') as new_gaps
from quality.gaps_monthly
group by all
order by measure_id
"""
# Only municipalities that lack something: of the others, coverage says all there is.
CELLS_SQL = """
with lacking as (
    select distinct measure_id, municipality_id
    from quality.gaps_monthly
)
select
    cell.measure_id,
    cell.municipality_id,
    strftime(cell.month, '%Y-%m') as month,
    cell.value,
    cell.missing_reason as reason,
    gap.kind,
    strftime(gap.last_reported_month, '%Y-%m') as last_reported_year,
    gap.first_seen_at,
    gap.note,
    gap.acknowledged_by,
    gap.acknowledged_on,
    gap.acknowledged_until
from marts.jobseekers_monthly as cell
inner join lacking using (measure_id, municipality_id)
left join quality.gaps_monthly as gap using (measure_id, municipality_id, month)
where cell.gender = 'T' and cell.age_group = 'total'
order by cell.measure_id, cell.municipality_id, cell.month
"""
COVERAGE_SQL = """
select measure_id, strftime(month, '%Y-%m') as year, n_expected, n_reported, coverage_pct
from quality.coverage_monthly
where measure_id in (select measure_id from quality.gaps_monthly)
order by measure_id, month
"""
FETCHED_SQL = """
select distinct measure_id, fetched_at, origin
from marts.jobseekers_monthly
where measure_id in (select measure_id from quality.gaps_monthly) and gender = 'T' and age_group = 'total'
    and fetched_at is not null
order by all
"""
GAP = (
    "reason",
    "kind",
    "last_reported_year",
    "first_seen_at",
    "note",
    "acknowledged_by",
    "acknowledged_on",
    "acknowledged_until",
)
NAMES_SQL = "select municipality_id as id, municipality as name from marts.dim_municipality"
Concerned = dict[tuple[str, str, Any], list[str]]


def build(site: Site, concerned: Concerned, incidents: dict[str, Any]) -> None:
    """Write `data/gaps_monthly.json` (the measures that lack a month) and `data/gaps_monthly/<measure>.json`.

    `concerned` has the open incidents by measure, municipality and month ('2022-07').
    """
    site.write_data("gaps_monthly", site.rows(MEASURES_SQL))
    names = {row["id"]: row["name"] for row in site.rows(NAMES_SQL)}
    coverage, fetched = _by_measure(site, COVERAGE_SQL), _by_measure(site, FETCHED_SQL)
    for measure_id, rows in groupby(site.stream(CELLS_SQL), key=lambda row: str(row["measure_id"])):
        places, used = _cells(measure_id, rows, concerned)
        months = sorted({row["year"] for row in coverage[measure_id]}.union(*places.values()))
        body = {
            "years": months,
            "coverage": coverage[measure_id],
            "places": {place: [cells.get(month) for month in months] for place, cells in places.items()},
            "incidents": {incident_id: incidents[incident_id] for incident_id in sorted(used)},
            "fetched": fetched[measure_id],
            "names": {place: names[place] for place in places},
        }
        site.write_data(f"gaps_monthly/{measure_id}", body)


def _cells(
    measure_id: str, rows: Iterable[dict[str, Any]], concerned: Concerned
) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Return place → month → a number, or an object with the reason and what is known of the gap.

    Beside it the ids of the incidents that concern a cell.
    """
    places: dict[str, dict[str, Any]] = defaultdict(dict)
    used: set[str] = set()
    for row in rows:
        cells = places[row["municipality_id"]]
        if row["value"] is not None:
            cells[row["month"]] = row["value"]
            continue
        gap = {name: row[name] for name in GAP if row[name] is not None}
        if last := row["last_reported_year"]:
            gap["last_value"] = cells.get(last)  # months come in order
        if ids := concerned.get((measure_id, row["municipality_id"], row["month"])):
            gap["incidents"] = ids
            used.update(ids)
        cells[row["month"]] = gap
    return places, used


def _by_measure(site: Site, sql: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in site.rows(sql):
        found[row.pop("measure_id")].append(row)
    return found
