select
    concat_ws(' ', municipality, year) as label,
    municipality_id,
    municipality,
    year,
    measure_id,
    value,
    missing_reason
from marts.context
where topic = 'sorting_key' and gender = 'T'
order by all
