select
    source,
    measure_id,
    municipality_id,
    period,
    gender,
    valid_from,
    valid_to,
    year,
    value,
    missing_reason,
    source_status,
    kpi_id,
    fetched_at,
    fetch_id,
    is_preliminary,
    vintage,
    '{{ "as_printed" if var("ame_mode") == "sample" else "api" }}' as origin
from {{ ref('int_observations__versions') }}
order by source, measure_id, municipality_id, period, gender, valid_from
