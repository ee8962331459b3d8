"""What the atlas reads from the published marts, and the shapes in which it hands it to the pages.

Nothing is calculated here: values, reasons, means and differences are those of the marts. A *series* is
`{"y": years, "v": values, "r": reasons, "n": places in the list of vintages, "p": is preliminary}`, lists of
one length; a value is null exactly where its reason is not, `p` is left out when nothing is preliminary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ame_warehouse.atlas.site import Site

if TYPE_CHECKING:
    import duckdb

SOURCE = "kolada"
# Series of our own: id → (unit, the measures that it is made of). Their values stand in the marts.
OWN_MEASURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "own_participants_share_of_population_pct": ("percent", ("ame_participants_total", "population_total")),
    "own_participants_change_pct": ("percent", ("ame_participants_total",)),
    "own_referral_share_af_total": (
        "percent",
        ("referral_share_af", "referral_share_af_with_social_services"),
    ),
    "own_net_cost_sek_per_participant": (
        "sek",
        ("lmp_net_cost_per_inhabitant", "population_total", "ame_participants_total"),
    ),
}
OWN_SQL = """
select 'own_participants_share_of_population_pct' as measure_id, municipality_id, gender, year,
    share_of_population_pct as value, coalesce(missing_reason, population_missing_reason) as missing_reason
from marts.participants
where is_expected
union all by name
select 'own_participants_change_pct' as measure_id, municipality_id, gender, year,
    change_pct as value, change_missing_reason as missing_reason
from marts.participants
where is_expected
union all by name
select 'own_referral_share_af_total' as measure_id, municipality_id, 'T' as gender, year,
    share_pct as value, missing_reason
from marts.referrals
where is_derived
union all by name
select 'own_net_cost_sek_per_participant' as measure_id, municipality_id, 'T' as gender, year,
    net_cost_sek_per_participant as value, missing_reason
from marts.costs
"""
SERIES_SQL = f"""
create table atlas.series as
with own as ({OWN_SQL})
select measure_id, municipality_id, gender, year, value, missing_reason, is_preliminary, vintage, fetched_at,
    origin
from marts.observations
where source = '{SOURCE}'
union all by name
select *, false as is_preliminary
from own
where (value is null) <> (missing_reason is null)
order by municipality_id, measure_id, gender, year
"""  # noqa: S608
HISTORY_SQL = f"""
create table atlas.history as
select municipality_id, measure_id, gender, year, valid_from, valid_to, value, missing_reason, vintage,
    is_preliminary, origin, kpi_id, fetch_id
from marts.observation_history
where source = '{SOURCE}'
order by municipality_id, measure_id, gender, year, valid_from
"""  # noqa: S608
VINTAGES_SQL = """
create table atlas.vintages as
select (row_number() over (order by fetched_at, vintage, origin) - 1)::integer as n, *
from (select distinct vintage, fetched_at, origin from atlas.series where fetched_at is not null)
"""
# One row per place, measure and gender: the series as lists. All shards in one pass, one after the other.
LISTS_SQL = """
select s.municipality_id, s.measure_id, s.gender,
    list(s.year order by s.year) as y,
    list(s.value order by s.year) as v,
    list(s.missing_reason order by s.year) as r,
    list(v.n order by s.year) as n,
    list(s.is_preliminary order by s.year) as p
from atlas.series as s
left join atlas.vintages as v
    on v.fetched_at = s.fetched_at and v.vintage is not distinct from s.vintage
    and v.origin is not distinct from s.origin
group by all
order by s.{shard}, s.{inside}, s.gender
"""
HISTORIES_SQL = """
select municipality_id, measure_id, gender, year, valid_from, valid_to, value, missing_reason, vintage,
    is_preliminary, origin
from atlas.history
order by municipality_id, measure_id, gender desc, year, valid_from
"""
GROUP_COLUMNS = (
    "n_members",
    "n_reporting",
    "missing_municipality_ids",
    "is_thinly_reported",
    "mean_unweighted",
    "mean_weighted",
    "weight_measure_id",
    "mean_constant_panel",
    "panel_n",
    "sum_reported",
    "min_value",
    "min_municipality_id",
    "max_value",
    "max_municipality_id",
)
STATUS_KEYS = ("version", "built_at", "as_of", "mode", "stale", "stale_since", "stale_reason", "sources")


def prepare(con: duckdb.DuckDBPyConnection, work: Path) -> None:
    """Make the tables `atlas.series`, `atlas.history` and `atlas.vintages` in a work file of their own."""
    con.execute(f"attach '{str(work).replace(chr(39), chr(39) * 2)}' as atlas (read_write)")
    for statement in (SERIES_SQL, HISTORY_SQL, VINTAGES_SQL):
        con.execute(statement)


def status(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return `data/status.json`: what is published, as of when, and the newest fetch of each source."""
    return {"version": manifest["version"], "body": {key: manifest.get(key) for key in STATUS_KEYS}}


def place_ids(site: Site) -> list[str]:
    """Return the ids of the municipalities (and riket) that have a series, riket first."""
    return [
        row["municipality_id"]
        for row in site.rows("select distinct municipality_id from atlas.series order by 1")
    ]


def measure_ids(site: Site) -> list[str]:
    """Return the ids of the measures that have a series."""
    return [row["measure_id"] for row in site.rows("select distinct measure_id from atlas.series order by 1")]


def series_by_place(site: Site) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Yield every place with its series: measure → gender → series."""
    return _shards(site, "municipality_id", "measure_id")


def series_by_measure(site: Site) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Yield every measure with its series: place → gender → series."""
    return _shards(site, "measure_id", "municipality_id")


def _shards(site: Site, shard: str, inside: str) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    rows = site.stream(LISTS_SQL.format(shard=shard, inside=inside))
    for name, group in groupby(rows, key=itemgetter(shard)):
        yield name, _nested(group, inside)


def _nested(rows: Iterable[dict[str, Any]], outer: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        series = {name: row[name] for name in "yvrn"}
        if any(row["p"]):
            series["p"] = row["p"]
        found.setdefault(row[outer], {})[row["gender"]] = series
    return found


def histories(site: Site) -> Iterator[tuple[str, dict[str, list[list[Any]]]]]:
    """Yield every place with every version of every value.

    Measure → rows [gender, year, valid_from, valid_to, value, missing_reason, vintage, is_preliminary,
    origin].
    """
    for municipality_id, rows in groupby(site.tuples(HISTORIES_SQL), key=itemgetter(0)):
        measures = groupby(rows, key=itemgetter(1))
        yield municipality_id, {name: [list(row[2:]) for row in group] for name, group in measures}


def group_means(site: Site, group_id: str) -> dict[str, dict[str, Any]]:
    """Return the means of one group: measure → gender → lists by year, as `marts.group_summary` has them."""
    lists = ", ".join(f"list({name} order by year) as {name}" for name in GROUP_COLUMNS)
    rows = site.rows(
        f"select measure_id, gender, list(year order by year) as y, {lists} "  # noqa: S608
        "from marts.group_summary where group_id = ? group by all order by all",
        [group_id],
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row.pop("measure_id"), {})[row.pop("gender")] = row
    return found
