"""The start page: what the atlas is, what is published, and the way to the other pages."""

from __future__ import annotations

from ame_warehouse.atlas import queries, texts
from ame_warehouse.atlas.site import MenuEntry, Site

ENTRY = MenuEntry("start", "index.html")
FIGURES_SQL = """
select
    (select count(distinct municipality_id) from atlas.series where municipality_id <> '0000')
        as municipalities,
    (select count(distinct measure_id) from atlas.series) as measures,
    (select min(year) from atlas.series) as first_year,
    (select max(year) from atlas.series) as last_year,
    (select count(*) from marts.observations where source = 'kolada' and value is not null) as n_values,
    (select count(*) from quality.gaps where missing_reason = 'not_reported') as gaps,
    (select count(*) from quality.gaps where kind = 'new') as new_gaps,
    (select count(*) from quality.incidents where resolved_at is null) as incidents
"""
COVERAGE_SQL = """
select c.measure_id, m.title, c.year, c.n_expected, c.n_reported, c.coverage_pct
from quality.coverage as c
join marts.dim_measure as m using (measure_id)
where c.measure_id in (select distinct measure_id from atlas.series)
qualify row_number() over (partition by c.measure_id order by c.year desc) = 1
order by c.coverage_pct, m.title
"""


def build(site: Site) -> None:
    """Write `index.html` and its data."""
    figures = site.rows(FIGURES_SQL)[0]
    site.write_data("start", {"figures": figures, "coverage": site.rows(COVERAGE_SQL)})
    places = site.rows(
        "select municipality_id as id from atlas.series where municipality_id <> '0000' limit 1"
    )
    site.write_page(
        "start",
        ENTRY.path,
        "start.html",
        script="start",
        title=texts.all_texts()["start.title"],
        figures=figures,
        sources=queries.status(site.manifest)["body"]["sources"],
        has_places=bool(places),
    )
