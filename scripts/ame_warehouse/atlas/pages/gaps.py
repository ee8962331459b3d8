"""Luckor: municipality × year for one measure, what is known of each cell."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from operator import itemgetter
from typing import Any

from ame_warehouse.atlas import texts
from ame_warehouse.atlas.pages import gaps_monthly
from ame_warehouse.atlas.site import MenuEntry, Site

ENTRY = MenuEntry("gaps", "luckor.html")
CELLS_SQL = """
select
    cell.measure_id,
    cell.municipality_id,
    cell.year,
    cell.value,
    cell.missing_reason as reason,
    gap.kind,
    gap.last_reported_year,
    last_one.value as last_value,
    gap.first_seen_at,
    gap.note,
    gap.acknowledged_by,
    gap.acknowledged_on,
    gap.acknowledged_until
from atlas.series as cell
inner join marts.dim_municipality as place
    on cell.municipality_id = place.municipality_id and place.type = 'K'
left join quality.gaps as gap
    on cell.measure_id = gap.measure_id and cell.municipality_id = gap.municipality_id
    and cell.year = gap.year
left join atlas.series as last_one
    on gap.measure_id = last_one.measure_id and gap.municipality_id = last_one.municipality_id
    and gap.last_reported_year = last_one.year and last_one.gender = 'T'
where cell.gender = 'T' and cell.measure_id in (select c.measure_id from quality.coverage as c)
order by cell.measure_id, cell.municipality_id, cell.year
"""
COVERAGE_SQL = """
select measure_id, year, n_expected, n_reported, coverage_pct
from quality.coverage
order by measure_id, year
"""
MEASURES_SQL = """
select
    m.measure_id,
    m.topic_sv,
    count(g.year) as gaps,
    count(g.year) filter (where g.kind = 'new') as new_gaps
from marts.dim_measure as m
left join quality.gaps as g using (measure_id)
where m.measure_id in (select distinct measure_id from quality.coverage)
    and m.measure_id in (select distinct measure_id from atlas.series)
group by all
order by m.topic_sv, m.measure_id
"""
FAILING_SQL = """
select c.table_name, bool_or(c.column_name = 'incident_scope') as is_scoped, r.check_id
from information_schema.columns as c
inner join (
    select distinct check_id, failing_rows_table
    from quality.check_results
    where failing_rows_table is not null
) as r on 'quality.' || c.table_name = r.failing_rows_table
where c.table_schema = 'quality' and c.table_catalog = current_database()
group by all
having count(*) filter (where c.column_name in ('measure_id', 'municipality_id', ?)) = 3
order by all
"""
INCIDENTS_SQL = """
select incident_id, severity, opened_at, times_seen, acknowledged_by, note, summary, action
from quality.incidents
where resolved_at is null
order by incident_id
"""
KNOWN = (
    "reason",
    "kind",
    "last_reported_year",
    "last_value",
    "first_seen_at",
    "note",
    "acknowledged_by",
    "acknowledged_on",
    "acknowledged_until",
)
Cell = tuple[str, str, Any]


def build(site: Site) -> None:
    """Write `luckor.html`, `data/gaps.json` and `data/gaps/<measure>.json`."""
    measures = site.rows(MEASURES_SQL)
    site.write_data("gaps", {"measures": measures})
    concerned = incidents_of_cells(site, "year")
    incidents = {row["incident_id"]: row for row in site.rows(INCIDENTS_SQL)}
    coverage: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in site.rows(COVERAGE_SQL):
        coverage[row.pop("measure_id")].append(row)
    without_cells = {row["measure_id"] for row in measures}
    for measure_id, rows in groupby(site.stream(CELLS_SQL), key=itemgetter("measure_id")):
        if measure_id in without_cells:
            heat_map = _heat_map(list(rows), coverage[measure_id], concerned, incidents)
            site.write_data(f"gaps/{measure_id}", heat_map)
            without_cells.remove(measure_id)
    for measure_id in without_cells:
        site.write_data(f"gaps/{measure_id}", _heat_map([], coverage[measure_id], concerned, incidents))
    gaps_monthly.build(site, incidents_of_cells(site, "month"), incidents)
    site.write_page("gaps", ENTRY.path, "gaps.html", "gaps", title=texts.all_texts()["menu.gaps"])


def incidents_of_cells(site: Site, period: str) -> dict[Cell, list[str]]:
    """Return the open incidents that concern a cell, by their failing rows.

    `period` is "year", or "month" for those by month: a cell is (measure, municipality, 2022 or '2022-07').
    """
    found: dict[Cell, list[str]] = {}
    for table in site.rows(FAILING_SQL, [period]):
        scope = "coalesce(f.incident_scope, '')" if table["is_scoped"] else "''"
        rows = site.rows(
            f"select distinct f.measure_id, f.municipality_id, f.{period} as period, i.incident_id "  # noqa: S608
            f'from quality."{table["table_name"]}" as f '
            f"join quality.incidents as i on i.check_id = ? and i.resolved_at is null and i.scope = {scope} "
            "order by all",
            [table["check_id"]],
        )
        for row in rows:
            key = (row["measure_id"], row["municipality_id"], _named(row["period"]))
            found.setdefault(key, []).append(row["incident_id"])
    return found


def _named(period: Any) -> int | str:
    """Return a year as it is, a month as '2022-07'."""
    return period if isinstance(period, int) else str(period)[:7]


def _heat_map(
    rows: list[dict[str, Any]],
    coverage: list[dict[str, Any]],
    concerned: dict[Cell, list[str]],
    incidents: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Return {"years", "coverage", "places": {id: cells by year}, "incidents"} of one measure.

    A cell is a number, null (nothing expected and no record), or an object with the reason and what is known
    of the gap.
    """
    years = sorted({row["year"] for row in rows})
    column = {year: n for n, year in enumerate(years)}
    places: dict[str, list[Any]] = {}
    used: set[str] = set()
    for row in rows:
        place, year = row.pop("municipality_id"), row.pop("year")
        cells = places.setdefault(place, [None] * len(years))
        ids = concerned.get((row["measure_id"], place, year), [])
        used.update(ids)
        value = row.pop("value")
        if value is None:
            cell = {name: row[name] for name in KNOWN if row[name] is not None}
            cells[column[year]] = {**cell, "incidents": ids} if ids else cell
        else:
            cells[column[year]] = value
    return {
        "years": years,
        "coverage": coverage,
        "places": places,
        "incidents": {incident_id: incidents[incident_id] for incident_id in sorted(used)},
    }
