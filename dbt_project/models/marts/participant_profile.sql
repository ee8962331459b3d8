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
        first_year,
        last_year,
        discontinued_last_year,
        is_asked
    from {{ ref('int_measures__years') }}
    where measure_id = 'ame_participants_total'
)

select
    cells.municipality_id,
    places.municipality,
    cells.year,
    cells.topic,
    cells.composition_id,
    cells.category_id,
    cells.measure_id,
    cells.kpi_id,
    cells.share_pct,
    cells.missing_reason,
    status.composition_sum_pct,
    status.composition_status,
    compared.share_pct as comparison_share_pct,
    cells.year as requested_year,
    status.value_year,
    status.fallback_reason,
    cells.share_pct is null and status.is_consistent_with_zero as is_consistent_with_zero,
    coalesce(status.unknown_share_pct > {{ var("large_unknown_pct", 20) }}, false) as is_unknown_large,
    base.participants as base_persons,
    case
        when base.municipality_id is not null then base.missing_reason
        when participants_span.is_asked is null then 'not_loaded'
        else
            {{ outside_reason(
                'cells.year', 'participants_span.first_year', 'participants_span.last_year',
                'participants_span.discontinued_last_year', 'participants_span.is_asked'
            ) }}
    end as base_missing_reason,
    coalesce(base.participants < {{ var("small_base_persons") }}, false) as is_small_base
from {{ ref('int_compositions__cells') }} as cells
inner join {{ ref('int_compositions__status') }} as status
    on
        cells.composition_id = status.composition_id
        and cells.municipality_id = status.municipality_id
        and cells.year = status.year
        and cells.gender = status.gender
left join {{ ref('int_compositions__cells') }} as compared
    on
        cells.composition_id = compared.composition_id
        and cells.category_id = compared.category_id
        and cells.municipality_id = compared.municipality_id
        and cells.gender = compared.gender
        and status.value_year = compared.year
left join base
    on cells.municipality_id = base.municipality_id and cells.year = base.year
left join participants_span on true
left join {{ ref('stg_places') }} as places on cells.municipality_id = places.municipality_id
where
    cells.gender = 'T'
    and cells.topic in ('age', 'education', 'time_without_work', 'enrolment_length')
order by cells.municipality_id asc, cells.year asc, cells.composition_id asc, cells.category_id asc
