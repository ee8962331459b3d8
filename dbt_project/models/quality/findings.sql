select
    kind,
    severity,
    kpi_id,
    municipality_id,
    year,
    gender,
    expected,
    found,
    detail,
    min(fetched_at) as first_seen_at
from (
    select * from {{ ref('stg_kolada__findings') }}
    union all
    select * from {{ ref('stg_af__findings') }}
) as source_findings
group by all
order by kind, kpi_id, municipality_id, year, gender, expected, found, detail, severity
