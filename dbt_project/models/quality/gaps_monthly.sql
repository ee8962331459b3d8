with totals as (
    select *
    from {{ ref('int_af__cells') }}
    where place_kind = 'municipality' and gender = 'T' and age_group = 'total'
),

month_published as (
    select
        measure_id,
        month,
        min(valid_from) as first_published_at
    from {{ ref('int_af__versions') }}
    where place_kind = 'municipality' and value is not null
    group by measure_id, month
),

reported as (
    select
        *,
        max(case when value is not null then month end) over (
            partition by measure_id, place_id order by month
            rows between unbounded preceding and 1 preceding
        ) as last_reported_month
    from totals
),

explanations as (
    {{ gap_explanations('reported', 'place_id', 'month', 'year(gap.month)') }}
)

select
    gap.measure_id,
    gap.place_id as municipality_id,
    gap.month,
    measures.title_sv as measure,
    places.municipality,
    gap.missing_reason,
    {{ shown_as('gap.missing_reason') }} as shown_as,
    case
        when explanations.measure_id is not null then 'acknowledged'
        when gap.last_reported_month = gap.month - interval 1 month then 'new'
        else 'chronic'
    end as kind,
    gap.last_reported_month,
    greatest(gap.first_asked_at, month_published.first_published_at, gap.valid_from) as first_seen_at,
    explanations.note,
    explanations.acknowledged_by,
    explanations.acknowledged_on,
    explanations.acknowledged_until,
    {{ af_origin() }} as origin
from reported as gap
inner join {{ ref('stg_af__measures') }} as measures on gap.measure_id = measures.measure_id
inner join {{ ref('stg_places') }} as places on gap.place_id = places.municipality_id
left join month_published on gap.measure_id = month_published.measure_id and gap.month = month_published.month
left join explanations
    on
        gap.measure_id = explanations.measure_id
        and gap.place_id = explanations.place_id
        and gap.month = explanations.month
where gap.is_expected and gap.value is null
order by gap.measure_id, gap.place_id, gap.month
