"""Kommun: one page per municipality, against its groups, its pair, its SKR group and riket."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ame_warehouse.atlas import queries, texts
from ame_warehouse.atlas.pages import jobseekers
from ame_warehouse.atlas.site import MenuEntry, Site

ENTRY = MenuEntry("municipality", "kommun/index.html")
NOTES_SQL = """
select municipality_id, note_id, topic, category_id, year_from, year_to, note_sv, note_en, source
from marts.dim_municipality_note
order by municipality_id, note_id
"""
# The difference is that of the first municipality of the pair; seen from the second it has the other sign.
PAIRS_SQL = """
select municipality_id_a as municipality_id, measure_id, gender, year, difference, difference_pp
from marts.pair_comparison
where difference is not null or difference_pp is not null
union all
select municipality_id_b, measure_id, gender, year, -difference, -difference_pp
from marts.pair_comparison
where difference is not null or difference_pp is not null
order by all
"""
RIKET_SQL = """
select municipality_id, measure_id, gender, year, difference, difference_pp
from marts.against_riket
where difference is not null or difference_pp is not null
order by all
"""
# Status and sum of every composition of a place and year: those of the profile and of the referrals.
COMPOSITIONS_SQL = """
select distinct municipality_id, topic, composition_id, year, composition_status as status,
    composition_sum_pct as sum
from marts.participant_profile
union
select distinct municipality_id, 'referrals', composition_id, year, composition_status, composition_sum_pct
from marts.referrals
order by all
"""
CHOICE_SQL = """
select p.municipality_id as id, p.municipality as name, p.county_name as county, p.skr_group,
    count(g.year) filter (where g.missing_reason = 'not_reported') as gaps
from marts.dim_municipality as p
left join quality.gaps as g using (municipality_id)
where p.type = 'K' and p.municipality_id in (select distinct municipality_id from atlas.series)
group by all
order by p.county_name, p.municipality
"""


def build(site: Site) -> None:
    """Write `data/place/<id>.json` for every place, the list to choose from and a page per municipality."""
    extras = _extras(site)
    for municipality_id, series in queries.series_by_place(site):
        site.write_data(f"place/{municipality_id}", {"series": series, **extras[municipality_id]})
    choice = site.rows(CHOICE_SQL)
    site.write_data("choice", choice)
    site.write_page(
        "municipality",
        ENTRY.path,
        "municipalities.html",
        "municipalities",
        title=texts.all_texts()["menu.municipality"],
    )
    groups = _groups_by_place(site)
    with_jobseekers = set(jobseekers.place_ids(site))
    for place in choice:
        site.write_page(
            "municipality",
            f"kommun/{place['id']}.html",
            "municipality.html",
            "municipality",
            title=place["name"],
            place=place,
            groups=groups[place["id"]],
            has_jobseekers=place["id"] in with_jobseekers,
        )


def _extras(site: Site) -> dict[str, dict[str, Any]]:
    """Return by place what stands beside its series: notes, compositions, differences from pair and riket.

    Differences are measure → gender → [[year, difference, difference in percentage points]].
    """
    found: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"notes": [], "compositions": [], "pair": {}, "riket": {}}
    )
    for row in site.stream(NOTES_SQL):
        found[row.pop("municipality_id")]["notes"].append(row)
    for row in site.stream(COMPOSITIONS_SQL):
        found[row.pop("municipality_id")]["compositions"].append(row)
    for name, sql in (("pair", PAIRS_SQL), ("riket", RIKET_SQL)):
        for row in site.stream(sql):
            measures = found[row["municipality_id"]][name]
            years = measures.setdefault(row["measure_id"], {}).setdefault(row["gender"], [])
            years.append([row["year"], row["difference"], row["difference_pp"]])
    return found


def _groups_by_place(site: Site) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in site.rows(
        "select municipality_id, group_name from marts.group_members order by group_name, municipality_id"
    ):
        found[row["municipality_id"]].append(row["group_name"])
    return found
