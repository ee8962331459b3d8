-- Referral shares per municipality, year and source, with the derived total of AF:
-- AF alone plus AF together with social services as long as the second is a category of its own, then AF alone.
with shares as (
    select *
    from {{ ref('int_compositions__cells') }}
    where topic = 'referrals' and gender = 'T'
),

joint_years as (
    select
        compositions.composition_id,
        compositions.valid_from_year,
        compositions.valid_to_year,
        years.first_year,
        years.last_year,
        years.discontinued_last_year,
        years.is_asked
    from {{ ref('stg_kolada__compositions') }} as compositions
    left join {{ ref('int_measures__years') }} as years on compositions.measure_id = years.measure_id
    where compositions.topic = 'referrals' and compositions.category_id = 'af_with_social_services'
),

af_total as (
    select
        own.municipality_id,
        own.year,
        own.composition_id,
        'af_total' as referral_source,
        cast(null as varchar) as measure_id,
        cast(null as varchar) as kpi_id,
        case when joint_years.composition_id is null then own.share_pct else own.share_pct + joint.share_pct end
            as share_pct,
        case
            when own.share_pct is null then own.missing_reason
            when joint_years.composition_id is null then null
            when joint.municipality_id is not null then joint.missing_reason
            else
                {{ outside_reason(
                    'own.year', 'joint_years.first_year', 'joint_years.last_year',
                    'joint_years.discontinued_last_year', 'joint_years.is_asked'
                ) }}
        end as missing_reason,
        coalesce(own.is_corrected, false) or coalesce(joint.is_corrected, false) as is_corrected
    from shares as own
    left join joint_years
        on
            own.composition_id = joint_years.composition_id
            and (joint_years.valid_from_year is null or own.year >= joint_years.valid_from_year)
            and (joint_years.valid_to_year is null or own.year <= joint_years.valid_to_year)
    left join shares as joint
        on
            own.composition_id = joint.composition_id
            and own.municipality_id = joint.municipality_id
            and own.year = joint.year
            and joint.category_id = 'af_with_social_services'
    where own.category_id = 'af'
)

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
    coalesce(is_corrected, false) as is_corrected
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
    is_corrected
from af_total
