-- Sums over the municipalities of a county and of the country, with the persons whose municipality is not known. A masked part makes the
-- sum an interval; a municipality without a figure leaves only the lower bound.
with parts as (
    select
        cells.measure_id,
        cells.month,
        cells.gender,
        cells.age_group,
        cells.county_code,
        cells.place_kind,
        cells.place_id,
        cells.value,
        cells.missing_reason,
        cells.lower_bound,
        cells.upper_bound,
        cells.contains_suppressed,
        cells.fetched_at,
        cells.vintage
    from {{ ref('int_af__cells') }} as cells
    where
        cells.unit = 'persons'
        and (
            cells.place_kind = 'municipality'
            -- nobody without a municipality in a newer file is no loss
            or (cells.place_kind in ('unplaced', 'unknown_name') and cells.missing_reason is distinct from 'withdrawn')
        )
),

spread as (
    select
        '0000' as area_id,
        parts.*
    from parts
    union all
    select
        '00' || parts.county_code as area_id,
        parts.*
    from parts
    where parts.county_code is not null
),

printed as (
    select
        place_id as area_id,
        measure_id,
        month,
        gender,
        age_group,
        value,
        missing_reason
    from {{ ref('int_af__cells') }}
    where place_kind in ('riket', 'county') and is_observed
),

summed as (
    select
        spread.area_id,
        spread.measure_id,
        spread.month,
        spread.gender,
        spread.age_group,
        count(*) filter (where spread.place_kind = 'municipality') as n_municipalities,
        count(*) filter (where spread.place_kind = 'municipality' and spread.missing_reason = 'suppressed')
            as n_suppressed,
        count(*) filter (where spread.missing_reason is not null and spread.missing_reason <> 'suppressed')
            as n_missing,
        min(spread.missing_reason) filter (where spread.missing_reason <> 'suppressed') as first_reason,
        bool_or(spread.contains_suppressed) as contains_suppressed,
        sum(spread.value) filter (where spread.place_kind <> 'municipality') as unplaced,
        sum(spread.value) as known_sum,
        count(spread.value) = count(*) as has_all_values,
        coalesce(sum(spread.lower_bound), 0) as lower_bound,
        sum(spread.upper_bound) as upper_bound,
        count(spread.upper_bound) = count(*) as has_all_bounds,
        max(spread.fetched_at) as fetched_at,
        max(spread.vintage) as vintage
    from spread
    group by spread.area_id, spread.measure_id, spread.month, spread.gender, spread.age_group
),

-- a municipality that has other cells of the measure in that month but not this one lacks too
counted as (
    select
        *,
        max(n_municipalities) over (partition by area_id, measure_id, month) - n_municipalities as n_absent
    from summed
)

select
    counted.area_id,
    counted.measure_id,
    counted.month,
    counted.gender,
    counted.age_group,
    cast(counted.n_municipalities as integer) as n_municipalities,
    cast(counted.n_suppressed as integer) as n_suppressed,
    cast(counted.n_missing + counted.n_absent as integer) as n_missing,
    counted.unplaced,
    case when counted.has_all_values and counted.n_absent = 0 then {{ stable("counted.known_sum") }} end as value,
    case
        when counted.n_missing > 0 then counted.first_reason
        when counted.n_absent > 0 then 'not_reported'
        when not counted.has_all_values then 'suppressed'
    end as missing_reason,
    counted.contains_suppressed,
    {{ stable("counted.lower_bound") }} as lower_bound,
    case when counted.has_all_bounds and counted.n_absent = 0 then {{ stable("counted.upper_bound") }} end
        as upper_bound,
    printed.value as printed_value,
    printed.missing_reason as printed_missing_reason,
    counted.fetched_at,
    counted.vintage
from counted
left join printed
    on
        counted.area_id = printed.area_id
        and counted.measure_id = printed.measure_id
        and counted.month = printed.month
        and counted.gender = printed.gender
        and counted.age_group = printed.age_group
