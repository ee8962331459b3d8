select
    totals.area_id,
    coalesce(case when places.type = 'L' then places.county_name end, places.municipality) as area,
    case when totals.area_id = '0000' then 'riket' else 'county' end as area_kind,
    totals.month,
    totals.gender,
    totals.age_group,
    measures.duration,
    totals.measure_id,
    totals.value,
    measures.unit,
    totals.missing_reason,
    totals.contains_suppressed,
    totals.lower_bound,
    totals.upper_bound,
    totals.unplaced,
    totals.n_municipalities,
    totals.n_suppressed,
    totals.n_missing,
    totals.printed_value,
    totals.printed_missing_reason,
    {{ stable("totals.value - totals.printed_value") }} as difference,
    spans.age_span,
    totals.fetched_at,
    totals.vintage,
    {{ af_origin() }} as origin
from {{ ref('int_af__totals') }} as totals
inner join {{ ref('stg_af__measures') }} as measures on totals.measure_id = measures.measure_id
inner join {{ ref('stg_places') }} as places on totals.area_id = places.municipality_id
left join {{ ref('af_age_spans') }} as spans
    on totals.month between spans.first_month and coalesce(spans.last_month, date '9999-12-01')
order by totals.measure_id, totals.area_id, totals.month, totals.gender, totals.age_group
