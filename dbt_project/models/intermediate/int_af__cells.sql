-- One row per measure, place, month, gender and age group that a file has or that is expected, with its value or its reason, and with the
-- ages and the denominator of that month. Places: municipalities, riket, printed county rows, and persons without a known municipality.
with current_versions as (
    select *
    from {{ ref('int_af__versions') }}
    where valid_to is null
),

joined as (
    select
        coalesce(current_versions.measure_id, expected.measure_id) as measure_id,
        coalesce(current_versions.place_kind, 'municipality') as place_kind,
        coalesce(current_versions.place_id, expected.municipality_id) as place_id,
        coalesce(current_versions.county_code, substr(expected.municipality_id, 1, 2)) as county_code,
        coalesce(current_versions.month, expected.month) as month,
        coalesce(current_versions.gender, expected.gender) as gender,
        coalesce(current_versions.age_group, expected.age_group) as age_group,
        current_versions.value,
        case
            when current_versions.measure_id is not null then current_versions.missing_reason
            else 'not_reported'
        end as missing_reason,
        coalesce(current_versions.contains_suppressed, false) as contains_suppressed,
        current_versions.suppressed_below,
        current_versions.lower_bound,
        current_versions.upper_bound,
        current_versions.source_status,
        current_versions.dataset,
        coalesce(current_versions.is_built, false) as is_built,
        current_versions.age_span_stated,
        current_versions.fetched_at,
        current_versions.fetch_id,
        current_versions.vintage,
        current_versions.valid_from,
        current_versions.measure_id is not null as is_observed,
        expected.measure_id is not null as is_expected,
        expected.first_asked_at
    from current_versions
    full outer join {{ ref('int_af__expected') }} as expected
        on
            current_versions.place_kind = 'municipality'
            and current_versions.measure_id = expected.measure_id
            and current_versions.place_id = expected.municipality_id
            and current_versions.month = expected.month
            and current_versions.gender = expected.gender
            and current_versions.age_group = expected.age_group
)

select
    joined.*,
    measures.duration,
    measures.unit,
    measures.denominator_basis,
    spans.age_span,
    -- first month of other ages (open-ended groups and totals only) or of another register
    coalesce(
        spans.is_break
        and spans.first_month = joined.month
        and (joined.age_group = 'total' or try_cast(right(joined.age_group, 2) as integer) >= 64),
        false
    )
    or coalesce(measures.denominator_basis = 'BAS' and measures.denominator_first_month = joined.month, false)
        as is_series_break
from joined
inner join {{ ref('stg_af__measures') }} as measures on joined.measure_id = measures.measure_id
left join {{ ref('af_age_spans') }} as spans
    on joined.month between spans.first_month and coalesce(spans.last_month, date '9999-12-01')
