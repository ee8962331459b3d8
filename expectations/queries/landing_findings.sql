-- Findings of the newest fetch of each KPI; those about places and groups belong to no KPI: of the newest fetch.
with newest as (
    select kpi_id, fetch_id
    from landing_measures
    qualify row_number() over (partition by kpi_id order by fetched_at desc, retrieved_at desc, fetch_id desc) = 1
),

newest_fetch as (
    select max_by(fetch_id, (fetched_at, retrieved_at, fetch_id)) as fetch_id
    from landing_measures
)

select
    concat_ws(
        ' ', findings.kpi_id, findings.municipality_id, findings.year, findings.gender, findings.detail, findings.found
    ) as label,
    findings.kind,
    coalesce(findings.kpi_id, findings.municipality_id, findings.found, '') as about,
    findings.severity,
    findings.kpi_id,
    findings.municipality_id,
    findings.year,
    findings.gender,
    findings.expected,
    findings.found,
    findings.detail,
    findings.fetched_at
from landing_findings as findings
left join newest on findings.kpi_id = newest.kpi_id and findings.fetch_id = newest.fetch_id
where
    (
        newest.kpi_id is not null
        or (findings.kpi_id is null and findings.fetch_id = (select fetch_id from newest_fetch))
    )
    -- what could not be read is in quality.quarantine and has a check of its own
    and not (
        findings.kind = 'odd_value'
        and (
            findings.found in ('a value that cannot be keyed', 'a record that cannot be keyed')
            or starts_with(findings.detail, 'not_a_number')
        )
    )
order by all
limit 100000
