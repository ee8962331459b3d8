-- Figures that were printed more than once: the same measure, place, period and sex in different tables.
select
    coalesce(measure_id, measure) as printed_measure,
    municipality_id,
    period,
    gender,
    unit,
    {{ id_list("table_file", "true") }} as table_files,
    cast(count(*) as integer) as n_prints,
    cast(count(value) as integer) as n_with_value,
    min(value) as lowest_value,
    max(value) as highest_value,
    count(distinct value) > 1 or count(value) < count(*) as is_different
from {{ ref('int_printed__figures') }}
where municipality_id is not null and period is not null and value_text is null
group by coalesce(measure_id, measure), municipality_id, period, gender, unit
having count(*) > 1
order by printed_measure asc, municipality_id asc, period asc, gender asc, unit asc
