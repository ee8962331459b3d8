select
    cells.municipality_id,
    places.municipality,
    cells.year,
    cells.gender,
    cells.measure_id,
    catalogue.topic,
    cells.value,
    catalogue.unit,
    cells.missing_reason,
    cells.is_preliminary,
    cells.fetched_at,
    cells.vintage
from {{ ref('int_measures__cells') }} as cells
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on cells.measure_id = catalogue.measure_id
inner join {{ ref('measure_topics') }} as topics on catalogue.topic = topics.topic
inner join {{ ref('stg_places') }} as places on cells.municipality_id = places.municipality_id
where
    topics.mart = 'context'
order by cells.measure_id, cells.municipality_id, cells.year, cells.gender
