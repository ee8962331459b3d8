select
    source,
    kind,
    severity,
    kpi_id,
    municipality_id,
    year,
    gender,
    expected,
    found,
    detail,
    min(fetched_at) as first_seen_at,
    origin
from (
    select
        *,
        'kolada' as source,
        '{{ "as_printed" if var("ame_mode") == "sample" else "api" }}' as origin
    from {{ ref('stg_kolada__findings') }}
    union all
    select
        *,
        'arbetsformedlingen' as source,
        {{ af_origin() }} as origin
    from {{ ref('stg_af__findings') }}
) as source_findings
group by all
order by source, kind, kpi_id, municipality_id, year, gender, expected, found, detail, severity
