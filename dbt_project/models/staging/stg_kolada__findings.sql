select
    findings.fetch_id,
    findings.fetched_at,
    findings.kind,
    findings.severity,
    findings.kpi_id,
    findings.municipality_id,
    findings.year,
    findings.gender,
    findings.expected,
    findings.found,
    findings.detail
from {{ source('kolada', 'findings') }} as findings
where
    exists (
        select 1
        from {{ ref('stg_kolada__measures') }} as measures
        where measures.fetch_id = findings.fetch_id
    )
