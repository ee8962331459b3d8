select
    yearly.municipality_id,
    places.municipality,
    yearly.year,
    yearly.gender,
    yearly.age_group,
    measures.duration,
    yearly.measure_id,
    yearly.mean_value,
    measures.unit,
    yearly.missing_reason,
    yearly.n_months,
    yearly.n_suppressed_months,
    yearly.lower_bound,
    yearly.upper_bound,
    yearly.denominator_basis,
    yearly.age_span,
    yearly.is_series_break,
    yearly.fetched_at,
    yearly.vintage,
    {{ af_origin() }} as origin
from {{ ref('int_af__yearly') }} as yearly
inner join {{ ref('stg_af__measures') }} as measures on yearly.measure_id = measures.measure_id
inner join {{ ref('stg_places') }} as places on yearly.municipality_id = places.municipality_id
order by yearly.measure_id, yearly.municipality_id, yearly.year, yearly.gender, yearly.age_group
