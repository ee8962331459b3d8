select
    cells.measure_id,
    cells.month,
    measures.title_sv as measure,
    cast(count(*) as integer) as n_expected,
    cast(count(cells.value) as integer) as n_reported,
    cast(count(*) filter (where cells.missing_reason = 'suppressed') as integer) as n_suppressed,
    {{ id_list("cells.place_id", "cells.value is null") }} as missing_municipality_ids,
    {{ stable("count(cells.value) * 100.0 / count(*)") }} as coverage_pct,
    {{ af_origin() }} as origin
from {{ ref('int_af__cells') }} as cells
inner join {{ ref('stg_af__measures') }} as measures on cells.measure_id = measures.measure_id
where cells.place_kind = 'municipality' and cells.gender = 'T' and cells.age_group = 'total' and cells.is_expected
group by cells.measure_id, cells.month, measures.title_sv
order by cells.measure_id, cells.month
