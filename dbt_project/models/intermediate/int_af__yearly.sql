-- Declared rule from months to years: the mean of the twelve months of the calendar year, when all twelve have a value and the same
-- ages; otherwise there is no yearly mean, with the reason of the first missing month (not_applicable when the ages change within it).
select
    measure_id,
    place_id as municipality_id,
    cast(year(month) as integer) as year,
    gender,
    age_group,
    case
        when count(value) = 12 and count(distinct age_span) = 1
            then {{ stable(ordered_sum("value", "month") ~ " / 12") }}
    end as mean_value,
    case
        when count(value) = 12 and count(distinct age_span) = 1 then null
        when count(value) = 12 then 'not_applicable'
        when count(*) > count(value) then min_by(missing_reason, month) filter (where value is null)
        -- months that no file has: after the last one, before the first one, or in between
        when max(month) < make_date(year(min(month)), 12, 1) then 'not_yet_published'
        when min(month) > make_date(year(min(month)), 1, 1) then 'not_applicable'
        else 'not_reported'
    end as missing_reason,
    cast(count(value) as integer) as n_months,
    cast(count(*) filter (where missing_reason = 'suppressed') as integer) as n_suppressed_months,
    case
        when count(lower_bound) = 12
            then {{ stable(ordered_sum("lower_bound", "month") ~ " / 12") }}
    end as lower_bound,
    case
        when count(upper_bound) = 12
            then {{ stable(ordered_sum("upper_bound", "month") ~ " / 12") }}
    end as upper_bound,
    case when count(distinct age_span) = 1 then min(age_span) end as age_span,
    min(denominator_basis) as denominator_basis,
    bool_or(is_series_break) as is_series_break,
    max(fetched_at) as fetched_at,
    max(vintage) as vintage
from {{ ref('int_af__cells') }}
where place_kind in ('municipality', 'riket')
group by measure_id, place_id, year(month), gender, age_group
