"""The data that every page may need: the lists, and a shard per place, measure and group."""

from __future__ import annotations

from typing import Any

from ame_warehouse.atlas import queries
from ame_warehouse.atlas.site import Site

MEASURES_SQL = """
select measure_id, title, unit, topic, topic_sv, category_id, kpi_id, denominator, definition, publisher,
    original_source, is_kas, first_year, last_year, discontinued_last_year, compositions
from marts.dim_measure
where measure_id in (select distinct measure_id from atlas.series)
order by measure_id
"""
BREAKS_SQL = """
select measure_id, break_year as year, kind, revised_back_to_year, is_bridged, note as note_en, note_sv
from marts.dim_series_break
where measure_id in (select distinct measure_id from atlas.series)
order by measure_id, break_year, break_id
"""
PLACES_SQL = """
select municipality_id as id, municipality as name, place_kind as kind, county_name as county,
    skr_group_id, skr_group
from marts.dim_municipality
where municipality_id in (select distinct municipality_id from atlas.series)
order by municipality_id
"""
GROUPS_SQL = """
select group_id as id, group_name as name, kind, edition, source, note
from marts.dim_group
where group_id in (
    select m.group_id
    from marts.group_members as m
    where m.municipality_id in (select distinct municipality_id from atlas.series)
)
order by group_id
"""
MEMBERS_SQL = "select group_id, municipality_id from marts.group_members order by group_id, municipality_id"


def build(site: Site) -> None:
    """Write the lists, and the shards `history/`, `measure/` and `group/`."""
    site.write_data("status", queries.status(site.manifest)["body"])
    site.write_data("measures", measures(site))
    site.write_data(
        "vintages", site.rows("select vintage, fetched_at, origin from atlas.vintages order by n")
    )
    site.write_data("places", site.rows(PLACES_SQL))
    groups = _groups(site)
    site.write_data("groups", groups)
    site.write_data("events", site.rows("select * from marts.dim_event order by event_date, event_id"))
    without_history = set(queries.place_ids(site))
    for municipality_id, history in queries.histories(site):
        if municipality_id in without_history:
            site.write_data(f"history/{municipality_id}", history)
            without_history.remove(municipality_id)
    for municipality_id in without_history:
        site.write_data(f"history/{municipality_id}", {})
    for measure_id, series in queries.series_by_measure(site):
        site.write_data(f"measure/{measure_id}", series)
    for group in groups:
        site.write_data(f"group/{group['id']}", queries.group_means(site, group["id"]))


def measures(site: Site) -> dict[str, dict[str, Any]]:
    """Return what is to be said of each measure; ours have `own` and `inputs` instead of a publisher."""
    found = {row.pop("measure_id"): row for row in site.rows(MEASURES_SQL)}
    for row in site.rows(BREAKS_SQL):
        found[row.pop("measure_id")].setdefault("breaks", []).append(row)
    present = set(queries.measure_ids(site))
    for measure_id, (unit, inputs) in queries.OWN_MEASURES.items():
        if measure_id in present:
            found[measure_id] = {"unit": unit, "own": True, "inputs": list(inputs)}
    return found


def _groups(site: Site) -> list[dict[str, Any]]:
    members: dict[str, list[str]] = {}
    for row in site.rows(MEMBERS_SQL):
        members.setdefault(row["group_id"], []).append(row["municipality_id"])
    return [{**row, "members": members[row["id"]]} for row in site.rows(GROUPS_SQL)]
