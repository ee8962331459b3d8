with used as (
    select distinct content_fetch_id as fetch_id, kpi_id
    from landing_measures
    where outcome = 'complete'
),

observations as (
    select observations.*
    from landing_observations as observations
    semi join used on observations.fetch_id = used.fetch_id and observations.kpi_id is not distinct from used.kpi_id
),

known as (
    select distinct status
    from read_csv(getvariable('seeds') || '/status_reasons.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
    where source = 'kolada'
)

select
    concat_ws(' ', coalesce(observations.kpi_id, 'no KPI'), observations.gender) as label,
    observations.kpi_id,
    observations.gender,
    observations.status,
    coalesce(nullif(observations.status, ''), '(no text)') as status_shown,
    coalesce(observations.status, '') = '' or known.status is not null as is_known_status,
    count(*) as n_rows,
    count(*) - count(observations.kpi_id || observations.municipality_id || observations.year || observations.gender)
        as n_incomplete_keys,
    sum(observations.n_same_key - 1) as n_repeated_keys,
    min(observations.year) as first_year,
    max(observations.year) as last_year
from (
    select
        *,
        count(*) over (partition by fetch_id, kpi_id, municipality_id, year, gender) as n_same_key
    from observations
) as observations
left join known on observations.status = known.status
group by all
order by all
