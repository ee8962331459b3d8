with base as (
    select
        municipality_id,
        year,
        value as participants,
        missing_reason
    from {{ ref('int_measures__cells') }}
    where measure_id = 'ame_participants_total' and gender = 'T'
),

participants_span as (
    select
        measure_id,
        first_year,
        last_year,
        discontinued_last_year
    from {{ ref('int_measures__years') }}
    where measure_id = 'ame_participants_total'
)

select
    shares.municipality_id,
    places.municipality,
    shares.year,
    shares.topic,
    shares.composition_id,
    shares.category_id,
    shares.measure_id,
    shares.kpi_id,
    shares.share_pct,
    shares.missing_reason,
    status.composition_sum_pct,
    status.composition_status,
    compared.share_pct as comparison_share_pct,
    shares.year as requested_year,
    status.value_year,
    status.fallback_reason,
    shares.share_pct is null and status.is_consistent_with_zero as is_consistent_with_zero,
    coalesce(status.unknown_share_pct > {{ var("large_unknown_pct") }}, false) as is_unknown_large,
    base.participants as base_persons,
    case
        when base.municipality_id is not null then base.missing_reason
        when participants_span.measure_id is null then 'not_loaded'
        else
            {{ outside_reason(
                'shares.year', 'participants_span.first_year', 'participants_span.last_year',
                'participants_span.discontinued_last_year', was_asked()
            ) }}
    end as base_missing_reason,
    coalesce(base.participants < {{ var("small_base_persons") }}, false) as is_small_base,
    coalesce(shares.is_corrected, false) as is_corrected,
    shares.fetched_at,
    shares.vintage
from {{ ref('int_compositions__shares') }} as shares
inner join {{ ref('int_compositions__status') }} as status
    on
        shares.composition_id = status.composition_id
        and shares.municipality_id = status.municipality_id
        and shares.year = status.year
        and shares.gender = status.gender
left join {{ ref('int_compositions__shares') }} as compared
    on
        shares.composition_id = compared.composition_id
        and shares.category_id = compared.category_id
        and shares.municipality_id = compared.municipality_id
        and shares.gender = compared.gender
        and status.value_year = compared.year
left join base
    on shares.municipality_id = base.municipality_id and shares.year = base.year
left join participants_span on true
{{ join_asked("participants_span.measure_id", "shares.municipality_id", "shares.year") }}
left join {{ ref('stg_places') }} as places on shares.municipality_id = places.municipality_id
where
    shares.gender = 'T'
    and shares.topic in ('age', 'education', 'time_without_work', 'enrolment_length')
order by shares.municipality_id asc, shares.year asc, shares.composition_id asc, shares.category_id asc
