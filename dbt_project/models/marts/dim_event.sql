select
    event_id,
    event_date,
    date_precision,
    cast(year(event_date) as integer) as year,
    kind,
    is_af_reform,
    title_sv,
    title_en,
    nullif(note, '') as note,
    source
from {{ ref('reform_events') }}
order by event_date asc, event_id asc
