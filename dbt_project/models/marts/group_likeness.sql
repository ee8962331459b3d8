select
    case kind when 'matched_pair' then 'within_pair' else 'within_region' end as comparison,
    year,
    gender,
    measure_id,
    unit,
    {{ stable(
        ordered_sum("abs(value_a - value_b)", "group_id, municipality_id_a, municipality_id_b")
        ~ " / count(value_a - value_b)"
    ) }} as mean_absolute_difference,
    cast(count(value_a - value_b) as integer) as n_differences,
    cast(count(*) as integer) as n_possible
from {{ ref('int_groups__pairs') }}
where unit <> 'ordinal'
group by kind, year, gender, measure_id, unit
having count(value_a - value_b) > 0
order by measure_id asc, gender asc, year asc, comparison asc
