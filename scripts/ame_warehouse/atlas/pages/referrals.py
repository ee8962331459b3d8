"""Anvisningar: who refers participants, municipality × year with classes, and the means of a group."""

from __future__ import annotations

from typing import Any

from ame_warehouse.atlas import texts
from ame_warehouse.atlas.site import MenuEntry, Site

ENTRY = MenuEntry("referrals", "anvisningar.html")
SOURCES = (
    "af",
    "af_total",
    "social_services",
    "af_with_social_services",
    "forsakringskassan",
    "individual",
    "other",
)
TERMS = ("referrals", "referrals_af", "referral_share_classes", "caveat_no_causes")
CELLS_SQL = """
select
    r.municipality_id,
    r.year,
    r.share_pct as value,
    r.missing_reason as reason,
    r.share_class as class,
    r.class_rule as rule,
    r.class_year,
    case when r.needs_explanation then true end as is_unclear,
    r.explanation as note
from marts.referrals as r
where r.referral_source = ?
order by r.municipality_id, r.year
"""
MEASURES_SQL = """
select referral_source, max(measure_id) as measure_id
from marts.referrals
group by referral_source
"""
TERMS_SQL = """
select term_id, term_sv, term_en, definition_sv, definition_en
from marts.dim_glossary
where list_contains(?, term_id)
"""


def build(site: Site) -> None:
    """Write `anvisningar.html`, `data/referrals.json` and `data/referrals/<source>.json`."""
    measures = {row["referral_source"]: row["measure_id"] for row in site.rows(MEASURES_SQL)}
    sources = [source for source in SOURCES if source in measures]
    site.write_data(
        "referrals",
        [
            {"id": source, "measure_id": measures[source] or f"own_referral_share_{source}"}
            for source in sources
        ],
    )
    for source in sources:
        site.write_data(f"referrals/{source}", shares(site, source))
    terms = {row["term_id"]: row for row in site.rows(TERMS_SQL, [list(TERMS)])}
    site.write_page(
        "referrals",
        ENTRY.path,
        "referrals.html",
        "referrals",
        title=texts.all_texts()["menu.referrals"],
        terms=terms,
    )


def shares(site: Site, source: str) -> dict[str, Any]:
    """Return {"years", "places": {id: cells by year}} of one source of referral.

    A cell is null where there is no row, or an object with value, reason, class, rule, class_year as far as
    `marts.referrals` has them.
    """
    rows = site.rows(CELLS_SQL, [source])
    years = sorted({row["year"] for row in rows})
    places: dict[str, list[Any]] = {}
    for row in rows:
        cells = places.setdefault(row.pop("municipality_id"), [None] * len(years))
        cells[years.index(row.pop("year"))] = {k: v for k, v in row.items() if v is not None}
    return {"years": years, "places": places}
