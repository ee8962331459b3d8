{% set stable_pp = var("trend_stable_pp") %}
{% set sudden_pp = var("trend_sudden_pp") %}
with reported as (
    select
        municipality_id,
        municipality,
        referral_source,
        year,
        share_pct,
        share_pct - lag(share_pct) over series as step_pp,
        row_number() over series as year_number,
        count(*) over (partition by municipality_id, referral_source) as n_years
    from {{ ref('referrals') }}
    where share_pct is not null
    window series as (partition by municipality_id, referral_source order by year asc)
),

steps as (
    select
        *,
        row_number() over (
            partition by municipality_id, referral_source
            order by coalesce(step_pp, 0) asc, year asc
        ) as fall_number
    from reported
),

described as (
    select
        municipality_id,
        municipality,
        referral_source,
        min(year) as first_year,
        max(year) as last_year,
        count(*) as n_years,
        max(share_pct) - min(share_pct) as span_pp,
        max(case when year_number = n_years then share_pct end)
        - max(case when year_number = 1 then share_pct end) as change_pp,
        sum(case when step_pp < 0 then 1 else 0 end) as n_falls,
        max(case when fall_number = 1 and step_pp < 0 then step_pp end) as largest_fall_pp,
        max(case when fall_number = 1 and step_pp < 0 then year end) as largest_fall_year
    from steps
    group by municipality_id, municipality, referral_source
),

-- the sources share one whole: a break of any of them is one of all
breaks as (
    select distinct break_year
    from {{ ref('int_breaks__measures') }}
    where topic = 'referrals' and not is_bridged
),

dated as (
    select
        described.*,
        (
            select min(breaks.break_year)
            from breaks
            where breaks.break_year > described.first_year and breaks.break_year <= described.last_year
        ) as break_year
    from described
)

select
    municipality_id,
    municipality,
    referral_source,
    case
        when n_years < {{ var("trend_min_years") }} then 'too_few_years'
        when {{ stable("span_pp") }} <= {{ stable_pp }} then 'stable'
        when {{ stable("change_pp") }} >= {{ stable_pp }} then 'rise'
        when {{ stable("change_pp") }} > -{{ stable_pp }} then 'mixed'
        when {{ stable("largest_fall_pp") }} <= -{{ sudden_pp }} and largest_fall_pp <= change_pp / 2
            then case when largest_fall_year < 2019 then 'sudden_fall_before_2019' else 'sudden_fall' end
        when n_falls * 2 >= n_years - 1 then 'successive_fall'
        else 'mixed'
    end as trend_class,
    cast(first_year as integer) as first_year,
    cast(last_year as integer) as last_year,
    cast(n_years as integer) as n_years,
    -- one year is no change, not a change of zero
    case when n_years > 1 then {{ stable("change_pp") }} end as change_pp,
    case when n_years > 1 then {{ stable("span_pp") }} end as span_pp,
    {{ stable("largest_fall_pp") }} as largest_fall_pp,
    cast(largest_fall_year as integer) as largest_fall_year,
    break_year is not null as is_break_crossed,
    cast(break_year as integer) as break_year
from dated
order by municipality_id asc, referral_source asc
