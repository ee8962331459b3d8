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
from {{ af_source('findings') }} as findings
where
    exists (
        select 1
        from {{ ref('stg_af__files') }} as files
        where files.fetch_id = findings.fetch_id
    )
