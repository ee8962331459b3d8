-- Referral shares per municipality, year and source, with the derived total of AF:
-- AF alone plus AF together with social services as long as the second is a category of its own, then AF alone.
-- A source that alone has no cell in a year (live: no record, and earlier than its first known year) has its row with the
-- reason, as in every whole; in the sample only printed cells exist.
with shares as (
    select *
    from {{ ref('int_compositions__shares') }}
    where topic = 'referrals' and gender = 'T'
),

af_total as (
    select
        own.municipality_id,
        own.year,
        own.composition_id,
        'af_total' as referral_source,
        cast(null as varchar) as measure_id,
        cast(null as varchar) as kpi_id,
        case when joint.municipality_id is null then own.share_pct else own.share_pct + joint.share_pct end
            as share_pct,
        coalesce(own.missing_reason, joint.missing_reason) as missing_reason,
        own.is_corrected or coalesce(joint.is_corrected, false) as is_corrected,
        own.has_cell,
        greatest(own.fetched_at, joint.fetched_at) as fetched_at,
        greatest(own.vintage, joint.vintage) as vintage
    from shares as own
    left join shares as joint
        on
            own.composition_id = joint.composition_id
            and own.municipality_id = joint.municipality_id
            and own.year = joint.year
            and joint.category_id = 'af_with_social_services'
    where own.category_id = 'af'
),

united as (
    select
        municipality_id,
        year,
        composition_id,
        category_id as referral_source,
        measure_id,
        kpi_id,
        share_pct,
        missing_reason,
        false as is_derived,
        is_corrected,
        has_cell,
        fetched_at,
        vintage
    from shares
    union all
    select
        municipality_id,
        year,
        composition_id,
        referral_source,
        measure_id,
        kpi_id,
        {{ stable("share_pct") }} as share_pct,
        missing_reason,
        true as is_derived,
        is_corrected,
        has_cell,
        fetched_at,
        vintage
    from af_total
)

select
    municipality_id,
    year,
    composition_id,
    referral_source,
    measure_id,
    kpi_id,
    share_pct,
    missing_reason,
    is_derived,
    is_corrected,
    fetched_at,
    vintage
from united
{% if var("ame_mode") == "sample" %}
    where has_cell
{% endif %}
