-- One row per composition, municipality, year and gender: does it add up, and if not, which year may a comparison take?
-- The sum test is over all categories valid in the year; a category without a row has no value.
{% set tolerance = var("composition_tolerance_pp") %}
with counted as (
    select
        composition_id,
        topic,
        municipality_id,
        year,
        gender,
        count(share_pct) as n_with_value,
        {{ stable("sum(share_pct)") }} as sum_of_values_pct,
        max(case when category_id = 'unknown' then share_pct end) as unknown_share_pct
    from {{ ref('int_compositions__cells') }}
    group by composition_id, topic, municipality_id, year, gender
),

years as (
    select distinct
        composition_id,
        year
    from counted
),

categories as (
    select
        years.composition_id,
        years.year,
        count(*) as n_categories
    from years
    inner join {{ ref('stg_kolada__compositions') }} as compositions
        on
            years.composition_id = compositions.composition_id
            and (compositions.valid_from_year is null or years.year >= compositions.valid_from_year)
            and (compositions.valid_to_year is null or years.year <= compositions.valid_to_year)
    group by years.composition_id, years.year
),

tested as (
    select
        counted.*,
        categories.n_categories,
        counted.sum_of_values_pct between 100 - {{ tolerance }} and 100 + {{ tolerance }} as is_sum_near_100
    from counted
    inner join categories
        on counted.composition_id = categories.composition_id and counted.year = categories.year
),

judged as (
    select
        *,
        case
            when n_with_value = 0 then 'missing'
            when n_with_value < n_categories then 'incomplete'
            when is_sum_near_100 then 'complete'
            else 'sum_not_100'
        end as composition_status
    from tested
),

compared as (
    select
        *,
        max(case when composition_status = 'complete' then year end) over (
            partition by composition_id, municipality_id, gender
            order by year
            rows between unbounded preceding and current row
        ) as value_year
    from judged
)

select
    composition_id,
    topic,
    municipality_id,
    year,
    gender,
    n_categories,
    n_with_value,
    sum_of_values_pct,
    case when n_with_value = n_categories then sum_of_values_pct end as composition_sum_pct,
    composition_status,
    unknown_share_pct,
    n_with_value = n_categories - 1 and coalesce(is_sum_near_100, false) as is_consistent_with_zero,
    value_year,
    case
        when composition_status = 'complete' or value_year is null then null
        when composition_status = 'sum_not_100' then 'sum_not_100'
        else 'missing'
    end as fallback_reason
from compared
