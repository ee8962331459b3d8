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
)

select
    spread.area_id,
    spread.measure_id,
    spread.month,
    spread.gender,
    spread.age_group,
    cast(count(*) filter (where spread.place_kind = 'municipality') as integer) as n_municipalities,
    cast(
        count(*) filter (where spread.place_kind = 'municipality' and spread.missing_reason = 'suppressed') as integer
    ) as n_suppressed,
    cast(
        count(*) filter (where spread.missing_reason is not null and spread.missing_reason <> 'suppressed') as integer
    ) as n_missing,
    sum(spread.value) filter (where spread.place_kind <> 'municipality') as unplaced,
    case when count(spread.value) = count(*) then {{ stable("sum(spread.value)") }} end as value,
    case
        when count(spread.value) = count(*) then null
        when bool_or(spread.missing_reason is not null and spread.missing_reason <> 'suppressed')
            then min(spread.missing_reason) filter (
                where spread.missing_reason <> 'suppressed'
            )
        else 'suppressed'
    end as missing_reason,
    bool_or(spread.contains_suppressed) as contains_suppressed,
    {{ stable("coalesce(sum(spread.lower_bound), 0)") }} as lower_bound,
    case
        when count(spread.upper_bound) = count(*) then {{ stable("sum(spread.upper_bound)") }}
    end as upper_bound,
    min(printed.value) as printed_value,
    min(printed.missing_reason) as printed_missing_reason,
    max(spread.fetched_at) as fetched_at,
    max(spread.vintage) as vintage
from spread
left join printed
    on
        spread.area_id = printed.area_id
        and spread.measure_id = printed.measure_id
        and spread.month = printed.month
        and spread.gender = printed.gender
        and spread.age_group = printed.age_group
group by spread.area_id, spread.measure_id, spread.month, spread.gender, spread.age_group
