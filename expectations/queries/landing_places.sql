-- Absent: it was asked for, had records in the fetch before, and has none in the newest one, in any measure that both brought.
with usable as (
    select
        kpi_id,
        content_fetch_id,
        municipality_ids,
        fetched_at,
        row_number() over (partition by kpi_id order by fetched_at desc, retrieved_at desc, fetch_id desc) as age
    from landing_measures
    where outcome = 'complete'
),

compared as (
    select
        newest.kpi_id,
        newest.fetched_at,
        newest.content_fetch_id,
        before.content_fetch_id as content_before,
        list_intersect(newest.municipality_ids, before.municipality_ids) as places
    from usable as newest
    inner join usable as before on newest.kpi_id = before.kpi_id and newest.age = 1 and before.age = 2
),

counted as (
    select
        observations.municipality_id,
        max(compared.fetched_at) as fetched_at,
        count(distinct compared.kpi_id) filter (where observations.fetch_id = compared.content_fetch_id) as n_measures,
        count(distinct compared.kpi_id) filter (where observations.fetch_id = compared.content_before)
            as n_measures_before
    from compared
    inner join landing_observations as observations
        on
            compared.kpi_id = observations.kpi_id
            and observations.fetch_id in (compared.content_fetch_id, compared.content_before)
            and list_contains(compared.places, observations.municipality_id)
    group by observations.municipality_id
)

select
    concat_ws(' ', places.title, counted.municipality_id) as label,
    counted.municipality_id,
    places.title as municipality,
    counted.n_measures,
    counted.n_measures_before,
    counted.n_measures = 0 and counted.n_measures_before > 0 as is_absent,
    'records, as in the fetch before (' || counted.n_measures_before || ' measures)' as expected,
    counted.n_measures || ' measures with records' as found,
    counted.fetched_at
from counted
left join read_csv(getvariable('seeds') || '/municipalities.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"') as places
    on counted.municipality_id = places.id
order by counted.municipality_id
