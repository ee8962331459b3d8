with pairs as (
    select
        *,
        value_a - value_b as raw_difference,
        coalesce(missing_reason_a, missing_reason_b) as value_reason,
        sign(value_a - previous_value_a) as sign_a,
        sign(value_b - previous_value_b) as sign_b
    from {{ ref('int_groups__pairs') }}
    where kind = 'matched_pair'
),

crossed as (
    select distinct
        measure_id,
        break_year
    from {{ ref('int_breaks__measures') }}
    where measure_id is not null and not is_bridged
)

select
    pairs.group_id,
    pairs.group_name,
    pairs.year,
    pairs.gender,
    pairs.measure_id,
    pairs.unit,
    pairs.municipality_id_a,
    pairs.municipality_id_b,
    pairs.value_a,
    pairs.missing_reason_a,
    pairs.value_b,
    pairs.missing_reason_b,
    case when pairs.unit not in ('percent', 'ordinal') then {{ stable("pairs.raw_difference") }} end as difference,
    case when pairs.unit = 'percent' then {{ stable("pairs.raw_difference") }} end as difference_pp,
    case when pairs.unit = 'ordinal' then 'not_applicable' else pairs.value_reason end as difference_missing_reason,
    case pairs.sign_a when 1 then 'up' when -1 then 'down' when 0 then 'same' end as direction_a,
    case pairs.sign_b when 1 then 'up' when -1 then 'down' when 0 then 'same' end as direction_b,
    pairs.sign_a = pairs.sign_b as is_same_direction,
    coalesce(
        pairs.missing_reason_a,
        pairs.previous_missing_reason_a,
        pairs.missing_reason_b,
        pairs.previous_missing_reason_b
    ) as direction_missing_reason,
    crossed.measure_id is not null as is_break_crossed
from pairs
left join crossed on pairs.measure_id = crossed.measure_id and pairs.year = crossed.break_year
order by pairs.group_id asc, pairs.measure_id asc, pairs.gender asc, pairs.year asc
