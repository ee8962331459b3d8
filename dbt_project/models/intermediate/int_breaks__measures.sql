-- One row per series break and measure that it touches; breaks of a topic reach all measures of the topic.
select
    breaks.break_id,
    breaks.topic,
    catalogue.measure_id,
    coalesce(catalogue.measure_id, breaks.topic) as scope_id,
    breaks.break_year,
    breaks.kind,
    breaks.revised_back_to_year,
    breaks.confidence,
    breaks.note,
    breaks.note_sv,
    -- values were revised back, so that the years after the revision's start may be compared across the break
    coalesce(breaks.revised_back_to_year < breaks.break_year, false) as is_bridged
from {{ ref('series_breaks') }} as breaks
left join {{ ref('stg_kolada__catalogue') }} as catalogue
    on
        breaks.topic = catalogue.topic
        and (nullif(breaks.measure_id, '') is null or breaks.measure_id = catalogue.measure_id)
