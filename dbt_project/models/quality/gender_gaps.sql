select
    part.measure_id,
    part.municipality_id,
    part.year,
    part.gender,
    part.missing_reason
from {{ ref('int_measures__cells') }} as part
inner join {{ ref('int_measures__cells') }} as whole
    on
        part.measure_id = whole.measure_id
        and part.municipality_id = whole.municipality_id
        and part.year = whole.year
        and whole.gender = 'T'
        and whole.value is not null
where part.gender <> 'T' and part.is_expected and part.value is null
order by part.measure_id, part.municipality_id, part.year, part.gender
