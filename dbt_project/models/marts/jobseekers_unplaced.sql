select
    cells.place_kind,
    cells.place_id,
    case when cells.place_kind = 'unknown_name' then cells.place_id end as unknown_name,
    cells.county_code,
    cells.month,
    cells.gender,
    cells.age_group,
    cells.duration,
    cells.measure_id,
    cells.value,
    cells.unit,
    cells.missing_reason,
    cells.lower_bound,
    cells.upper_bound,
    cells.denominator_basis,
    cells.age_span,
    cells.dataset,
    cells.is_built,
    cells.fetched_at,
    cells.vintage,
    {{ af_origin() }} as origin
from {{ ref('int_af__cells') }} as cells
where cells.place_kind in ('unplaced', 'unknown_name')
order by cells.measure_id, cells.place_kind, cells.place_id, cells.month, cells.gender, cells.age_group
