with ordered as (
    select
        *,
        row_number() over (partition by kpi_id order by fetched_at desc, retrieved_at desc, fetch_id desc) as age
    from landing_measures
),

newest as (
    select * from ordered where age = 1
),

before as (
    select newest.kpi_id, earlier.n_records
    from newest
    inner join ordered as earlier
        on
            newest.kpi_id = earlier.kpi_id
            and newest.age < earlier.age
            and earlier.outcome = 'complete'
            and newest.municipality_ids = earlier.municipality_ids
            and newest.years is not distinct from earlier.years
    where newest.outcome = 'complete'
    qualify row_number() over (partition by newest.kpi_id order by earlier.age) = 1
)

select
    count(*) as n_measures,
    count(*) filter (where newest.outcome in ('complete', 'empty', 'retired')) as n_usable,
    (select count(*) from landing_observations) as n_observations,
    sum(newest.n_records) filter (where before.kpi_id is not null) as n_records,
    sum(before.n_records) as n_records_before,
    (sum(newest.n_records) filter (where before.kpi_id is not null))::double
    / nullif(sum(before.n_records), 0)::double as total_volume_ratio
from newest
left join before on newest.kpi_id = before.kpi_id
