select
    concat_ws(
        ' ', coalesce(municipality, municipality_id), year, gender, coalesce(measure_id, place_in_source)
    ) as label,
    state,
    quarantine_id,
    source,
    measure_id,
    kpi_id,
    municipality_id,
    municipality,
    year,
    gender,
    place_in_source,
    raw_value,
    reason,
    last_seen_at as fetched_at,
    'written as ' || coalesce(raw_value, 'nothing') as found
from quality.quarantine
where state = 'held'
order by all
limit 10000
