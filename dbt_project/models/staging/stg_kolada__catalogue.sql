select
    kpi_id,
    title_sv,
    topic,
    measure_id,
    nullif(category_id, '') as category_id,
    unit,
    nullif(denominator, '') as denominator,
    nullif(period_type, '') as period_type,
    cast(nullif(is_divided_by_gender, '') as integer) = 1 as is_divided_by_gender,
    cast(nullif(first_year_known, '') as integer) as first_year_known,
    cast(nullif(discontinued_last_year, '') as integer) as discontinued_last_year,
    publisher,
    nullif(original_source, '') as original_source,
    nullif(break_note, '') as break_note,
    in_current_catalogue = '1' as in_current_catalogue,
    nullif(note, '') as note,
    coalesce(original_source like 'Egen %', false) as is_kas
from {{ ref('kpi_catalogue') }}
