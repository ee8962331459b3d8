-- One row per fetch that holds rows, KPI, place, year and gender. Which fetches count is decided by stg_kolada__measures.
-- A value that could not be read is in quarantine; where a person has said what it is, that is used (value_issue released).
with named as (
    select
        *,
        case
            when value_issue = 'not_a_number' and not coalesce(is_deleted, false)
                then {{ quarantine_id(["'kolada'", "kpi_id", "municipality_id", "year", "gender", "raw_value"]) }}
        end as quarantine_id
    from {{ source('kolada', 'observations') }}
)

select
    named.fetch_id,
    named.kpi_id,
    named.municipality_id,
    named.year,
    named.gender,
    case when named.is_deleted then null else coalesce(releases.value, named.value) end as value,
    coalesce(named.status, '') as status,
    coalesce(named.is_deleted, false) as is_deleted,
    case when releases.quarantine_id is not null then 'released' else named.value_issue end as value_issue,
    named.quarantine_id,
    named.raw_value,
    named.object_sha256
from named
left join {{ ref('stg_releases') }} as releases on named.quarantine_id = releases.quarantine_id
