with told as (
    select
        *,
        rtrim(rtrim(format('{:.2f}', last_value), '0'), '.') as last_text
    from quality.silent_municipalities
)

select
    municipality || ' ' || period || ' ' || measure_id || ' (' || last_reported_period || ': ' || last_text || ')'
        as label,
    'new' as kind,
    incident_scope,
    measure_id,
    municipality_id,
    municipality,
    year,
    period,
    missing_reason,
    last_reported_period,
    last_value,
    unit,
    first_seen_at,
    'a value, as for ' || last_reported_period || ' (' || last_text || ' ' || unit || ')' as expected,
    shown_as || case
        when n_silent > 1 then ', as for ' || n_silent || ' of ' || n_reported_before || ' municipalities'
        else ''
    end as found
from told
order by all
