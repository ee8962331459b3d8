"""What Arbetsförmedlingen says of a municipality, month by month; a part of the page Kommun."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ame_warehouse.atlas.site import Site

# Drawn month by month and as yearly means, all ages together.
DRAWN = (
    "af_jobseekers",
    "af_jobseekers_over_6_months",
    "af_jobseekers_over_12_months",
    "af_jobseekers_over_24_months",
    "af_jobseekers_share_bas",
    "af_jobseekers_share_rams",
)
# Said of the newest month, beside the ages of the first of those above.
DIVIDED = (
    "af_jobseekers_born_in_sweden",
    "af_jobseekers_born_abroad",
    "af_jobseekers_primary_education",
    "af_jobseekers_upper_secondary_education",
    "af_jobseekers_post_secondary_education",
    "af_jobseekers_weak_competitiveness",
)
MEASURES_SQL = """
select measure_id, title, unit, topic, category_id, publisher
from marts.dim_measure
where mart = 'jobseekers_monthly' and measure_id in (select distinct measure_id from quality.coverage_monthly)
order by measure_id
"""
PLACES_SQL = """
select distinct municipality_id
from marts.jobseekers_monthly
where measure_id in (select unnest(?)) and age_group = 'total'
order by municipality_id
"""
MONTHS_SQL = """
select municipality_id, measure_id, gender,
    list(strftime(month, '%Y-%m') order by month) as months,
    list(value order by month) as v,
    list(missing_reason order by month) as r
from marts.jobseekers_monthly
where measure_id in (select unnest(?)) and age_group = 'total'
group by all
order by all
"""
# What changes for a measure in a month: the ages that are counted, or the denominator.
BREAKS_SQL = """
with months as (
    select measure_id, month, max(age_span) as age_span, bool_or(is_series_break) as is_series_break
    from marts.jobseekers_monthly
    where measure_id in (select unnest(?)) and age_group = 'total'
    group by all
)
select measure_id, strftime(month, '%Y-%m') as month, age_span, age_span = age_span_before as has_same_ages,
    is_series_break
from (select *, lag(age_span) over (partition by measure_id order by month) as age_span_before from months)
where is_series_break or age_span_before is null
order by all
"""
FETCHED_SQL = """
select distinct municipality_id, vintage, fetched_at, origin
from marts.jobseekers_monthly
where measure_id in (select unnest(?)) and age_group = 'total' and fetched_at is not null
order by all
"""
YEARS_SQL = """
select municipality_id, measure_id, gender,
    list(year order by year) as y,
    list(mean_value order by year) as v,
    list(missing_reason order by year) as r,
    list(n_months order by year) as months
from marts.jobseekers_yearly
where measure_id in (select unnest(?)) and age_group = 'total'
group by all
order by all
"""
LATEST_SQL = """
select municipality_id, strftime(month, '%Y-%m') as month, measure_id, age_group, gender, value,
    missing_reason as reason
from marts.jobseekers_monthly
where duration = 'total' and (measure_id = ? and age_group <> 'total' or measure_id in (select unnest(?)))
    and month = (select max(month) from marts.jobseekers_monthly where measure_id = ?)
order by municipality_id, measure_id, age_group, gender desc
"""
DENSITY_SQL = """
select area_id as municipality_id, strftime(month, '%Y-%m') as month, jobseekers_per_km2,
    density_missing_reason, density_class, riket_jobseekers_per_km2, share_of_county_pct,
    share_missing_reason, is_main_municipality
from marts.jobseeker_density
where area_kind = 'municipality'
qualify row_number() over (partition by area_id order by month desc) = 1
order by area_id
"""


def build(site: Site) -> None:
    """Write `data/jobseekers.json` (measures and places) and `data/jobseekers/<id>.json` for every place."""
    places = place_ids(site)
    measures = {row.pop("measure_id"): {**row, "spans": []} for row in site.rows(MEASURES_SQL)}
    for row in site.rows(BREAKS_SQL, [list(DRAWN)]):
        measures[row.pop("measure_id")]["spans"].append(row)
    site.write_data("jobseekers", {"measures": measures, "places": places})
    parts = _parts(site)
    months: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in site.stream(MONTHS_SQL, [list(DRAWN)]):
        months[row.pop("municipality_id")].append(row)
    for place in places:
        site.write_data(f"jobseekers/{place}", {**_series(months.pop(place)), **parts[place]})


def place_ids(site: Site) -> list[str]:
    """Return the ids of the places of which there are monthly figures."""
    return [row["municipality_id"] for row in site.rows(PLACES_SQL, [list(DRAWN)])]


def _series(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return {"months": all months, "series": measure → gender → {"v", "r"}}, lists as long as the months.

    A month without a record has neither value nor reason.
    """
    months = sorted({month for row in rows for month in row["months"]})
    series: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        known = dict(zip(row["months"], zip(row["v"], row["r"], strict=True), strict=True))
        cells = [known.get(month, (None, None)) for month in months]
        series[row["measure_id"]][row["gender"]] = {
            "v": [value for value, _ in cells],
            "r": [reason for _, reason in cells],
        }
    return {"months": months, "series": series}


def _parts(site: Site) -> dict[str, dict[str, Any]]:
    """Return by place what stands beside its months.

    Yearly means (measure → gender → {"y", "v", "r", "months"}), fetches, the newest month by age, birth and
    education, density.
    """
    found: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"years": {}, "fetched": [], "latest": [], "density": None}
    )
    for row in site.stream(YEARS_SQL, [list(DRAWN)]):
        years = found[row.pop("municipality_id")]["years"].setdefault(row.pop("measure_id"), {})
        years[row.pop("gender")] = row
    for name, sql, values in (
        ("fetched", FETCHED_SQL, [list(DRAWN)]),
        ("latest", LATEST_SQL, [DRAWN[0], list(DIVIDED), DRAWN[0]]),
    ):
        for row in site.stream(sql, values):
            found[row.pop("municipality_id")][name].append(row)
    for row in site.rows(DENSITY_SQL):
        found[row.pop("municipality_id")]["density"] = row
    return found
