-- One row per fetch that holds rows, KPI, place, year and gender. Which fetches count is decided by stg_kolada__measures.
select
    fetch_id,
    kpi_id,
    municipality_id,
    year,
    gender,
    case when is_deleted then null else value end as value,
    coalesce(status, '') as status,
    coalesce(is_deleted, false) as is_deleted,
    value_issue
from {{ source('kolada', 'observations') }}
