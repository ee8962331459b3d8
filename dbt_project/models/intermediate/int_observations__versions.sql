-- Every version of every cell: a fetch that brings the same again adds none; a changed, withdrawn or deleted value opens one.
with remembered as (
    select
        assertions.*,
        coalesce(
            bool_or(assertions.value is not null) over (
                partition by
                    assertions.kpi_id, assertions.municipality_id, assertions.year, assertions.gender
                order by assertions.fetch_order
                rows between unbounded preceding and 1 preceding
            ),
            false
        ) as had_value_before,
        coalesce(reasons.missing_reason, 'not_reported') as status_reason
    from {{ ref('int_kolada__assertions') }} as assertions
    left join {{ ref('status_reasons') }} as reasons
        on reasons.source = 'kolada' and assertions.status = coalesce(reasons.status, '')
),

reasoned as (
    select
        *,
        case
            when value is not null then null
            when is_deleted then 'withdrawn'
            when value_issue is not null then 'not_loaded'
            when is_present and status_reason <> 'not_reported' then status_reason
            when had_value_before then 'withdrawn'
            else 'not_reported'
        end as missing_reason
    from remembered
),

compared as (
    select
        *,
        row_number() over cell as assertion_number,
        lag(value) over cell as previous_value,
        lag(missing_reason) over cell as previous_reason,
        lag(is_preliminary) over cell as was_preliminary
    from reasoned
    window cell as (partition by kpi_id, municipality_id, year, gender order by fetch_order)
),

versions as (
    select *
    from compared
    where
        assertion_number = 1
        or value is distinct from previous_value
        or missing_reason is distinct from previous_reason
        or (
            '{{ var("ame_mode") }}' = 'live' and value is not null and is_preliminary is distinct from was_preliminary
        )
)

select
    'kolada' as source,
    catalogue.measure_id,
    versions.kpi_id,
    versions.municipality_id,
    versions.year,
    cast(versions.year as varchar) as period,
    versions.gender,
    versions.fetched_at as valid_from,
    lead(versions.fetched_at) over (
        partition by versions.kpi_id, versions.municipality_id, versions.year, versions.gender
        order by versions.fetch_order
    ) as valid_to,
    versions.value,
    versions.missing_reason,
    versions.status as source_status,
    versions.fetched_at,
    versions.fetch_id,
    versions.value is not null and versions.is_preliminary as is_preliminary,
    coalesce(versions.value_issue = 'released', false) as is_released,
    versions.vintage
from versions
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on versions.kpi_id = catalogue.kpi_id
