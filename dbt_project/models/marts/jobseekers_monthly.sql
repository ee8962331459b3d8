select
    cells.place_id as municipality_id,
    places.municipality,
    cells.month,
    cells.gender,
    cells.age_group,
    cells.duration,
    cells.measure_id,
    cells.value,
    cells.unit,
    cells.missing_reason,
    cells.contains_suppressed,
    cells.suppressed_below,
    cells.lower_bound,
    cells.upper_bound,
    cells.denominator_basis,
    cells.age_span,
    cells.age_span_stated,
    cells.is_series_break,
    cells.dataset,
    cells.is_built,
    cells.is_expected,
    cells.fetched_at,
    cells.fetch_id,
    cells.vintage,
    {{ af_origin() }} as origin
from {{ ref('int_af__cells') }} as cells
inner join {{ ref('stg_places') }} as places on cells.place_id = places.municipality_id
where cells.place_kind in ('municipality', 'riket') and cells.gender in ('T', 'K', 'M')
order by cells.measure_id, cells.place_id, cells.month, cells.gender, cells.age_group
