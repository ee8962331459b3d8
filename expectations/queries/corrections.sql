select
    municipality || ' ' || year || ' ' || gender || ' ' || measure_id as label,
    measure_id,
    municipality_id,
    municipality,
    year,
    gender,
    state,
    'the wrong value ' || source_value as expected,
    coalesce('the source says ' || value_at_source, 'the source has no value') || '; state: ' || state as found,
    corrected_value,
    corrected_by,
    expires_on,
    note,
    fetched_at
from quality.corrections
order by all
