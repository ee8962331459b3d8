{#- What was noticed when the answers of a source were read: of the fetches that the build uses (`used` has their fetch_id). -#}
{% macro findings_of(stored, used) -%}
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
from {{ stored }} as findings
where
    exists (
        select 1
        from {{ used }} as used
        where used.fetch_id = findings.fetch_id
    )
{%- endmacro %}
