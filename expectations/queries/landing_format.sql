with catalogue as (
    select kpi_id, measure_id, unit
    from read_csv(getvariable('seeds') || '/kpi_catalogue.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
),

contents as (
    select
        kpi_id,
        content_fetch_id,
        row_number() over (partition by kpi_id order by max(fetched_at) desc, content_fetch_id desc) as age
    from landing_measures
    where outcome = 'complete' and content_fetch_id is not null
    group by kpi_id, content_fetch_id
),

cells as (
    select
        newest.kpi_id,
        newest.value,
        before.value as value_before
    from contents as one
    inner join contents as two on one.kpi_id = two.kpi_id and one.age = 1 and two.age = 2
    inner join landing_observations as newest on one.content_fetch_id = newest.fetch_id and one.kpi_id = newest.kpi_id
    inner join landing_observations as before
        on
            two.content_fetch_id = before.fetch_id
            and newest.kpi_id = before.kpi_id
            and newest.municipality_id = before.municipality_id
            and newest.year = before.year
            and newest.gender = before.gender
    where newest.value is not null and before.value is not null
),

counted as (
    select
        kpi_id,
        count(*) as n_common,
        median(value / value_before) filter (where value_before <> 0 and value <> 0) as median_ratio,
        count(*) filter (where value <> floor(value)) as n_with_decimals,
        count(*) filter (where value_before <> floor(value_before)) as n_with_decimals_before
    from cells
    group by kpi_id
    having count(*) >= 10
)

select
    concat_ws(' ', counted.kpi_id, catalogue.measure_id) as label,
    counted.kpi_id,
    coalesce(catalogue.measure_id, counted.kpi_id) as measure_id,
    catalogue.unit,
    counted.n_common,
    round(counted.median_ratio, 6) as median_ratio,
    counted.n_with_decimals,
    counted.n_with_decimals_before,
    (counted.n_with_decimals = 0) <> (counted.n_with_decimals_before = 0)
    and greatest(counted.n_with_decimals, counted.n_with_decimals_before) * 2 > counted.n_common as is_format_changed
from counted
left join catalogue on counted.kpi_id = catalogue.kpi_id
order by counted.kpi_id
