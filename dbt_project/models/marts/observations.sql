-- The newest version of every cell, and when its value was first reported.
select
    history.source,
    history.measure_id,
    history.municipality_id,
    history.period,
    history.gender,
    history.year,
    history.value,
    history.missing_reason,
    history.source_status,
    history.kpi_id,
    history.fetched_at,
    history.fetch_id,
    history.is_preliminary,
    history.is_released,
    history.vintage,
    history.origin,
    firsts.first_reported_at,
    firsts.is_late
from {{ ref('observation_history') }} as history
left join {{ ref('int_observations__first') }} as firsts
    on
        history.source = 'kolada'
        and history.measure_id = firsts.measure_id
        and history.municipality_id = firsts.municipality_id
        and history.year = firsts.year
        and history.gender = firsts.gender
where history.valid_to is null
order by history.source, history.measure_id, history.municipality_id, history.period, history.gender
