-- The newest fetch of each measure, and the newest complete one before it that asked for the same cells.
with catalogue as (
    select kpi_id, measure_id
    from read_csv(getvariable('seeds') || '/kpi_catalogue.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
),

newest as (
    select *
    from landing_measures
    qualify row_number() over (partition by kpi_id order by fetched_at desc, retrieved_at desc, fetch_id desc) = 1
),

before as (
    select newest.kpi_id, earlier.n_records
    from newest
    inner join landing_measures as earlier
        on
            newest.kpi_id = earlier.kpi_id
            and earlier.outcome = 'complete'
            and newest.municipality_ids = earlier.municipality_ids
            and newest.years is not distinct from earlier.years
            and (earlier.fetched_at, earlier.retrieved_at, earlier.fetch_id)
            < (newest.fetched_at, newest.retrieved_at, newest.fetch_id)
    qualify
        row_number() over (
            partition by newest.kpi_id order by earlier.fetched_at desc, earlier.retrieved_at desc, earlier.fetch_id desc
        ) = 1
)

select
    newest.kpi_id || coalesce(' (' || newest.error || ')', '') as label,
    newest.kpi_id,
    catalogue.measure_id,
    newest.outcome,
    newest.error,
    newest.fetch_id,
    newest.fetched_at,
    newest.n_records,
    before.n_records as n_records_before,
    case when newest.outcome = 'complete' then newest.n_records / nullif(before.n_records, 0) end as volume_ratio
from newest
left join catalogue on newest.kpi_id = catalogue.kpi_id
left join before on newest.kpi_id = before.kpi_id
order by newest.kpi_id
