{{ config(
    pre_hook=[af_join_as_written(), "set preserve_insertion_order = false"],
    post_hook=["reset disabled_optimizers", "set preserve_insertion_order = true"],
) }}
-- What each file says of each cell: printed figures, totals built from their parts where the file has none, and shares built from count
-- and labour force. A masked figure is an interval; a total with a masked part is masked; a total that lacks a part has no value.
with shapes as (
    select
        fetch_id,
        file_sha256,
        dataset,
        table_name,
        measure_id,
        month,
        count(distinct gender) filter (where gender in ('K', 'M')) as n_genders,
        count(distinct age_group) filter (where age_group not in ('total', 'unknown', '?')) as n_ages
    from {{ ref('int_af__parts') }}
    group by fetch_id, file_sha256, dataset, table_name, measure_id, month
),

levels as (
    select
        true as sums_gender,
        false as sums_age
    union all
    select
        false as sums_gender,
        true as sums_age
    union all
    select
        true as sums_gender,
        true as sums_age
),

built as (
    select
        parts.fetch_id,
        parts.file_sha256,
        parts.dataset,
        parts.table_name,
        parts.rank,
        parts.measure_id,
        parts.place_kind,
        parts.place_id,
        parts.county_code,
        parts.month,
        case when levels.sums_gender then 'T' else parts.gender end as gender,
        case when levels.sums_age then 'total' else parts.age_group end as age_group,
        min(parts.age_span_stated) as age_span_stated,
        cast(sum(parts.n_suppressed) as bigint) as n_suppressed,
        max(parts.suppressed_below) as suppressed_below,
        sum(parts.known_value) as known_value,
        sum(parts.masked_up_to) as masked_up_to,
        min(parts.marker_reason) as marker_reason,
        bool_or(parts.is_contradicted) as is_contradicted,
        -- all parts that the table has in that month, but a place without a name need not have them
        bool_or(parts.gender = '?' or parts.age_group = '?') as has_unknown_part,
        min(parts.place_kind) in ('municipality', 'riket', 'county')
        and count(*) filter (where parts.age_group not in ('unknown', '?') and parts.gender <> '?')
        < max(
            case when levels.sums_gender then shapes.n_genders else 1 end
            * case when levels.sums_age then shapes.n_ages else 1 end
        ) as lacks_part
    from {{ ref('int_af__parts') }} as parts
    inner join {{ ref('af_tables') }} as tables
        on parts.dataset = tables.dataset and parts.table_name = tables.table_name
    inner join shapes
        on
            parts.fetch_id = shapes.fetch_id
            and parts.file_sha256 = shapes.file_sha256
            and parts.dataset = shapes.dataset
            and parts.table_name = shapes.table_name
            and parts.measure_id = shapes.measure_id
            and parts.month = shapes.month
    inner join levels
        on
            (not levels.sums_gender or (tables.builds_gender_total and parts.gender <> 'T'))
            and (not levels.sums_age or (tables.builds_age_total and parts.age_group <> 'total'))
    group by
        parts.fetch_id,
        parts.file_sha256,
        parts.dataset,
        parts.table_name,
        parts.rank,
        parts.measure_id,
        parts.place_kind,
        parts.place_id,
        parts.county_code,
        parts.month,
        case when levels.sums_gender then 'T' else parts.gender end,
        case when levels.sums_age then 'total' else parts.age_group end
),

counts as (
    select
        fetch_id,
        file_sha256,
        dataset,
        table_name,
        rank,
        measure_id,
        place_kind,
        place_id,
        county_code,
        month,
        gender,
        age_group,
        false as is_built,
        age_span_stated,
        n_suppressed,
        suppressed_below,
        known_value,
        masked_up_to,
        source_status,
        case
            when is_contradicted then 'not_loaded'
            when marker_reason is not null then marker_reason
            when n_suppressed > 0 then 'suppressed'
        end as missing_reason
    from {{ ref('int_af__parts') }}
    union all
    select
        fetch_id,
        file_sha256,
        dataset,
        table_name,
        rank + 5 as rank,
        measure_id,
        place_kind,
        place_id,
        county_code,
        month,
        gender,
        age_group,
        true as is_built,
        age_span_stated,
        n_suppressed,
        suppressed_below,
        known_value,
        masked_up_to,
        cast(null as varchar) as source_status,
        case
            when is_contradicted or has_unknown_part then 'not_loaded'
            when marker_reason is not null then marker_reason
            when lacks_part then 'not_reported'
            when n_suppressed > 0 then 'suppressed'
        end as missing_reason
    from built
    where gender <> '?' and age_group <> '?'
),

share_parts as (
    select counts.*
    from counts
    where
        counts.measure_id in (
            select numerators.numerator_measure_id
            from {{ ref('stg_af__measures') }} as numerators
            where numerators.numerator_measure_id is not null
            union all
            select denominators.denominator_measure_id
            from {{ ref('stg_af__measures') }} as denominators
            where denominators.denominator_measure_id is not null
        )
),

shares as (
    select
        numerators.fetch_id,
        numerators.file_sha256,
        numerators.dataset,
        numerators.table_name,
        numerators.rank + 5 as rank,
        measures.measure_id,
        numerators.place_kind,
        numerators.place_id,
        numerators.county_code,
        numerators.month,
        numerators.gender,
        numerators.age_group,
        true as is_built,
        numerators.age_span_stated,
        numerators.n_suppressed,
        coalesce(numerators.suppressed_below, bases.suppressed_below) as suppressed_below,
        -- a masked base makes the share an interval too: from the smallest count of the largest base upwards
        case
            when bases.n_suppressed > 0
                then
                    coalesce(numerators.known_value, 0) * 100.0
                    / nullif(coalesce(bases.known_value, 0) + bases.masked_up_to, 0)
            else numerators.known_value * 100.0 / nullif(bases.known_value, 0)
        end as known_value,
        case
            when bases.n_suppressed > 0
                then
                    (coalesce(numerators.known_value, 0) + coalesce(numerators.masked_up_to, 0)) * 100.0
                    / nullif(bases.known_value, 0)
                    - coalesce(numerators.known_value, 0) * 100.0
                    / nullif(coalesce(bases.known_value, 0) + bases.masked_up_to, 0)
            else numerators.masked_up_to * 100.0 / nullif(bases.known_value, 0)
        end as masked_up_to,
        cast(null as varchar) as source_status,
        coalesce(
            nullif(bases.missing_reason, 'suppressed'),
            nullif(numerators.missing_reason, 'suppressed'),
            case when bases.missing_reason is null and bases.known_value = 0 then 'not_applicable' end,
            bases.missing_reason,
            numerators.missing_reason
        ) as missing_reason
    from share_parts as numerators
    inner join {{ ref('stg_af__measures') }} as measures on numerators.measure_id = measures.numerator_measure_id
    inner join share_parts as bases
        on
            measures.denominator_measure_id = bases.measure_id
            and numerators.fetch_id = bases.fetch_id
            and numerators.file_sha256 = bases.file_sha256
            and numerators.table_name = bases.table_name
            and numerators.place_kind = bases.place_kind
            and numerators.place_id = bases.place_id
            and numerators.month = bases.month
            and numerators.gender = bases.gender
            and numerators.age_group = bases.age_group
            and numerators.is_built = bases.is_built
)

select
    fetch_id,
    file_sha256,
    dataset,
    table_name,
    rank,
    measure_id,
    place_kind,
    place_id,
    county_code,
    month,
    gender,
    age_group,
    is_built,
    age_span_stated,
    case when missing_reason is null then {{ stable("known_value") }} end as value,
    missing_reason,
    cast(n_suppressed as integer) as n_suppressed,
    case when missing_reason = 'suppressed' then suppressed_below end as suppressed_below,
    case
        when missing_reason is null then {{ stable("known_value") }}
        when missing_reason = 'suppressed' then {{ stable("coalesce(known_value, 0)") }}
    end as lower_bound,
    case
        when missing_reason is null then {{ stable("known_value") }}
        when missing_reason = 'suppressed' then {{ stable("coalesce(known_value, 0) + masked_up_to") }}
    end as upper_bound,
    source_status
from (
    select * from counts
    where gender <> '?' and age_group <> '?'
    union all
    select * from shares
) as records
