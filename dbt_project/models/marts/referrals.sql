with sources as (
    select
        *,
        {{ half_up("share_pct") }} as whole_share_pct
    from {{ ref('int_referrals__sources') }}
),

classes as (
    select *
    from {{ ref('share_classes') }}
    where class_set = '{{ var("share_class_set") }}'
),

classed as (
    select
        sources.*,
        classes.class_set,
        classes.class as own_class
    from sources
    left join classes
        on
            sources.whole_share_pct >= classes.lower_pct
            and (classes.upper_pct is null or sources.whole_share_pct <= classes.upper_pct)
),

neighbours as (
    select
        *,
        min(case when own_class is not null then year end) over (
            partition by municipality_id, referral_source
            order by year
            rows between 1 following and unbounded following
        ) as next_year,
        max(case when own_class is not null then year end) over (
            partition by municipality_id, referral_source
            order by year
            rows between unbounded preceding and 1 preceding
        ) as previous_year
    from classed
),

ruled as (
    select
        *,
        case
            when own_class is not null then 'own_value'
            when share_pct is not null then null
            when next_year is not null then 'next_year'
            when previous_year is not null then 'previous_year'
        end as class_rule
    from neighbours
),

dated as (
    select
        *,
        case class_rule
            when 'own_value' then year
            when 'next_year' then next_year
            when 'previous_year' then previous_year
        end as class_year
    from ruled
),

explanations as (
    select
        dated.municipality_id,
        dated.year,
        dated.referral_source,
        string_agg(notes.note_sv, ' ' order by notes.note_id) as explanation
    from dated
    inner join {{ ref('municipality_notes') }} as notes
        on
            dated.municipality_id = notes.municipality_id
            and notes.topic = 'referrals'
            and (nullif(notes.category_id, '') is null or dated.referral_source = notes.category_id)
            and (notes.year_from is null or dated.year >= notes.year_from)
            and (notes.year_to is null or dated.year <= notes.year_to)
    group by dated.municipality_id, dated.year, dated.referral_source
)

select
    dated.municipality_id,
    places.municipality,
    dated.year,
    dated.referral_source,
    dated.composition_id,
    dated.measure_id,
    dated.kpi_id,
    dated.is_derived,
    dated.share_pct,
    dated.missing_reason,
    status.composition_sum_pct,
    status.composition_status,
    givers.own_class as share_class,
    dated.class_rule,
    dated.class_year,
    givers.class_set,
    participants.participants,
    dated.referral_source = 'other'
    and coalesce(dated.share_pct > {{ var("large_other_pct") }}, false) as needs_explanation,
    explanations.explanation,
    coalesce(dated.is_corrected, false) as is_corrected,
    dated.fetched_at,
    dated.vintage
from dated
inner join {{ ref('int_compositions__status') }} as status
    on
        dated.composition_id = status.composition_id
        and dated.municipality_id = status.municipality_id
        and dated.year = status.year
        and status.gender = 'T'
left join classed as givers
    on
        dated.municipality_id = givers.municipality_id
        and dated.referral_source = givers.referral_source
        and dated.class_year = givers.year
left join {{ ref('int_participants__cells') }} as participants
    on
        dated.municipality_id = participants.municipality_id
        and dated.year = participants.year
        and participants.gender = 'T'
left join explanations
    on
        dated.municipality_id = explanations.municipality_id
        and dated.year = explanations.year
        and dated.referral_source = explanations.referral_source
left join {{ ref('stg_places') }} as places on dated.municipality_id = places.municipality_id
order by dated.municipality_id asc, dated.year asc, dated.referral_source asc
