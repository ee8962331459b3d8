with judged as (
    select
        observations.*,
        measures.unit,
        coalesce(
            (measures.unit = 'percent' and observations.value not between 0 and 100)
            or (measures.unit = 'boolean' and observations.value not in (0, 1))
            or (measures.unit = 'persons' and observations.value < 0),
            false
        ) as is_out_of_range
    from marts.observations as observations
    left join marts.dim_measure as measures on observations.measure_id = measures.measure_id
),

-- the first five cells that are out of range: a number of cells alone leads nobody to them
named as (
    select
        judged.measure_id,
        concat_ws(' ', judged.municipality_id, judged.period, judged.gender) || ': ' || judged.value as cell,
        row_number() over (
            partition by judged.measure_id
            order by judged.municipality_id, judged.period, judged.gender, judged.source
        ) as cell_number
    from judged
    where judged.is_out_of_range
),

cells as (
    select
        measure_id,
        string_agg(cell, '; ' order by cell_number) as cells_out_of_range
    from named
    where cell_number <= 5
    group by measure_id
),

counted as (
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
    from judged as observations
)

select
    counted.measure_id as label,
    counted.measure_id,
    counted.unit,
    case
        when count(distinct counted.municipality_id) filter (where counted.is_out_of_range) = 1
            then min(counted.municipality_id) filter (where counted.is_out_of_range)
    end as municipality_id,
    case
        when count(distinct counted.period) filter (where counted.is_out_of_range) = 1
            then min(counted.period) filter (where counted.is_out_of_range)
    end as period,
    cells.cells_out_of_range,
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
    count(*) filter (where counted.unit = 'percent' and counted.is_out_of_range) as n_shares_out_of_range,
    count(*) filter (where counted.unit = 'boolean' and counted.is_out_of_range) as n_yes_no_out_of_range,
    count(*) filter (where counted.unit = 'persons' and counted.is_out_of_range) as n_negative_counts
from counted
left join cells on counted.measure_id = cells.measure_id
group by counted.measure_id, counted.unit, cells.cells_out_of_range
order by all
