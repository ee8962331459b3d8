{#- A mart in long form: the cells of all measures whose topic is published in it (seed measure_topics), but for
    those that have a mart of their own. -#}
{% macro long_mart(mart, without=[]) -%}
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
    cells.vintage,
    coalesce(cells.is_corrected, false) as is_corrected
from {{ ref('int_measures__cells') }} as cells
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on cells.measure_id = catalogue.measure_id
inner join {{ ref('measure_topics') }} as topics on catalogue.topic = topics.topic
inner join {{ ref('stg_places') }} as places on cells.municipality_id = places.municipality_id
where
    topics.mart = '{{ mart }}'
    {% if without %}
        and not ({{ in_ids("cells.measure_id", without) }})
    {% endif %}
order by cells.measure_id, cells.municipality_id, cells.year, cells.gender
{%- endmacro %}
