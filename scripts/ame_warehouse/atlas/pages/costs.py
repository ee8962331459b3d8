"""Kostnad: net cost per inhabitant beside net cost per participant, year by year."""

from __future__ import annotations

from ame_warehouse.atlas import texts
from ame_warehouse.atlas.site import MenuEntry, Site

ENTRY = MenuEntry("costs", "kostnad.html")
TERMS = ("cost_per_participant", "caveat_comparability")
COLUMNS = (
    "municipality_id",
    "net_cost_sek_per_inhabitant",
    "net_cost_missing_reason",
    "gross_cost_sek_per_inhabitant",
    "gross_cost_missing_reason",
    "income_sek_per_inhabitant",
    "income_missing_reason",
    "participants",
    "participants_missing_reason",
    "population",
    "population_missing_reason",
    "net_cost_sek_per_participant",
    "missing_reason",
    "missing_inputs",
    "is_preliminary",
)
YEARS_SQL = """
select year
from marts.costs
group by year
having count(net_cost_sek_per_inhabitant) + count(net_cost_sek_per_participant) > 0
order by year
"""
TERMS_SQL = """
select term_id, term_sv, term_en, definition_sv, definition_en
from marts.dim_glossary
where list_contains(?, term_id)
"""


def build(site: Site) -> None:
    """Write `kostnad.html`, `data/costs.json` (the years with a cost) and `data/costs/<year>.json`."""
    years = [row["year"] for row in site.rows(YEARS_SQL)]
    site.write_data("costs", {"years": years})
    rows_sql = f"select {', '.join(COLUMNS)} from marts.costs where year = ? order by municipality_id"  # noqa: S608
    for year in years:
        site.write_data(f"costs/{year}", site.rows(rows_sql, [year]))
    terms = {row["term_id"]: row for row in site.rows(TERMS_SQL, [list(TERMS)])}
    site.write_page(
        "costs", ENTRY.path, "costs.html", "costs", title=texts.all_texts()["menu.costs"], terms=terms
    )
