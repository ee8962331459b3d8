select
    measures.measure_id,
    measures.concept,
    measures.duration,
    measures.category,
    measures.title_sv,
    measures.topic,
    measures.unit,
    nullif(measures.denominator, '') as denominator,
    nullif(measures.denominator_basis, '') as denominator_basis,
    nullif(measures.numerator_measure_id, '') as numerator_measure_id,
    nullif(measures.denominator_measure_id, '') as denominator_measure_id,
    measures.age_basis,
    measures.period_type,
    measures.is_divided_by_gender,
    measures.publisher,
    measures.original_source,
    nullif(measures.break_note, '') as break_note,
    nullif(measures.note, '') as note,
    denominators.first_month as denominator_first_month,
    denominators.last_month as denominator_last_month
from {{ ref('af_measures') }} as measures
left join {{ ref('af_denominators') }} as denominators on measures.denominator_basis = denominators.denominator_basis
