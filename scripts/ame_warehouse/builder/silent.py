"""Fetches of a part that said nothing new: they are no reason to build.

Whole fetches of one scope are compared by the checksum of their content. Where a KPI has been fetched in
several scopes (a backfill, then all again), cells are compared: a fetch is silent when each record in its
scope is as the fetch before it in that cell said, no record is missing that was there, nothing is asked for
the first time, and no value became final.
"""

from __future__ import annotations

from typing import Any

import duckdb

FETCHES_SQL = """
create or replace temp table scoped as
with known as (
    select
        kpi_id, fetch_id, fetched_at, content_fetch_id, municipality_ids as places, years,
        outcome in ('complete', 'empty') as is_usable,
        row_number() over in_time as n,
        coalesce(lag(outcome in ('complete', 'empty')) over in_time, false) as follows_usable
    from read_parquet($measures, union_by_name = true, hive_partitioning = false)
    where mode = $mode and ($as_of is null or fetched_at <= $as_of::timestamp)
    window in_time as (partition by kpi_id order by fetched_at, fetch_id)
)
select known.*
from known
where
    is_usable
    and kpi_id in (
        select kpi_id
        from known
        where is_usable
        group by kpi_id
        having count(distinct concat_ws('|', array_to_string(places, ','), array_to_string(years, ','))) > 1
    )
"""
# What each fetch says of the state of a publication: which values are final by its date.
FINAL_SQL = """
create or replace temp table final as
select
    scoped.kpi_id,
    scoped.n,
    concat_ws(
        '|',
        scoped.fetched_at >= said.prel_publication_date,
        scoped.fetched_at >= said.publication_date,
        said.publ_period,
        year(scoped.fetched_at),
        scoped.fetched_at
        >= make_date(year(scoped.fetched_at), rules.final_month::integer, rules.final_day::integer)
    ) as state
from scoped
left join (
    select fetch_id, kpi_id, prel_publication_date, publication_date, publ_period
    from read_parquet($metadata, union_by_name = true, hive_partitioning = false)
) as said on scoped.fetch_id = said.fetch_id and scoped.kpi_id = said.kpi_id
left join read_csv($rules, header = true, all_varchar = true) as rules on scoped.kpi_id = rules.kpi_id
"""
RECORDS_SQL = """
create or replace temp table records as
select
    scoped.kpi_id, said.municipality_id, said.year, said.gender, scoped.n,
    hash(said.value, said.status, said.is_deleted, said.value_issue, said.raw_value, final.state) as state
from scoped
inner join read_parquet($observations, union_by_name = true, hive_partitioning = false) as said
    on scoped.content_fetch_id = said.fetch_id and scoped.kpi_id = said.kpi_id
inner join final on scoped.kpi_id = final.kpi_id and scoped.n = final.n
"""
NEWS_SQL = """
create or replace temp table news as
with asked as (
    select kpi_id, n, unnest(places) as municipality_id, coalesce(years, [null]) as years
    from scoped
),
asked_years as (
    select kpi_id, n, municipality_id, unnest(years) as year from asked
),
first_asked as (
    select kpi_id, municipality_id, year, min(n) as n
    from asked_years
    group by kpi_id, municipality_id, year
),
cells as (
    select distinct kpi_id, municipality_id, year, gender from records
),
said as (
    select cells.*, asked_years.n, records.state
    from cells
    inner join asked_years
        on cells.kpi_id = asked_years.kpi_id and cells.municipality_id = asked_years.municipality_id
        and (asked_years.year is null or asked_years.year = cells.year)
    left join records
        on cells.kpi_id = records.kpi_id and cells.municipality_id = records.municipality_id
        and cells.year = records.year and cells.gender = records.gender and asked_years.n = records.n
),
changed as (
    select kpi_id, n
    from said
    qualify state is distinct from lag(state) over (
        partition by kpi_id, municipality_id, year, gender order by n
    )
)
select distinct kpi_id, n from changed
union
select asked.kpi_id, asked.n
from first_asked as asked
left join first_asked as whole
    on asked.kpi_id = whole.kpi_id and asked.municipality_id = whole.municipality_id
    and whole.year is null and asked.year is not null
where whole.n is null or asked.n < whole.n
"""
SILENT_SQL = """
create or replace temp table silent as
select scoped.kpi_id, scoped.fetch_id
from scoped
anti join news on scoped.kpi_id = news.kpi_id and scoped.n = news.n
where scoped.follows_usable
"""


def find(con: duckdb.DuckDBPyConnection, known: dict[str, Any], files: dict[str, str]) -> None:
    """Make the temporary table `silent` (kpi_id, fetch_id) on a connection.

    Args:
        known: measures (pattern of Parquet files), mode, as_of.
        files: patterns of the observations and of the metadata, and the seed with the rules of finality.
    """
    con.execute(FETCHES_SQL, known)
    row = con.execute("select count(*) from scoped").fetchone()
    if not row or not row[0]:
        con.execute("create or replace temp table silent (kpi_id varchar, fetch_id varchar)")
        return
    con.execute(FINAL_SQL, {name: files[name] for name in ("metadata", "rules")})
    con.execute(RECORDS_SQL, {"observations": files["observations"]})
    for sql in (NEWS_SQL, SILENT_SQL):
        con.execute(sql)
