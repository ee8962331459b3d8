with counted as (
    select
        observations.*,
        count(*) over (
            partition by
                observations.source,
                observations.measure_id,
                observations.municipality_id,
                observations.period,
                observations.gender
        ) as n_same_key
    from marts.observations as observations
)

select
    counted.measure_id as label,
    counted.measure_id,
    measures.unit,
    count(*) as n_rows,
    count(counted.value) as n_values,
    sum(counted.n_same_key - 1) as n_repeated_keys,
    count(*) filter (where (counted.value is null) <> (counted.missing_reason is not null)) as n_without_value_or_reason,
    count(*) filter (
        where counted.missing_reason not in (
            'not_reported', 'suppressed', 'not_applicable', 'not_yet_published', 'discontinued', 'withdrawn',
            'not_loaded'
        )
    ) as n_unknown_reasons,
    count(*) filter (
        where counted.fetched_at is null or counted.fetch_id is null or counted.fetched_at > now()::timestamp + interval 1 day
    ) as n_without_retrieval_date,
    count(*) filter (where measures.unit = 'percent' and counted.value not between 0 and 100) as n_shares_out_of_range,
    count(*) filter (where measures.unit = 'boolean' and counted.value not in (0, 1)) as n_yes_no_out_of_range,
    count(*) filter (where measures.unit = 'persons' and counted.value < 0) as n_negative_counts
from counted
left join marts.dim_measure as measures on counted.measure_id = measures.measure_id
group by all
order by all
