select
    notes.note_id,
    notes.municipality_id,
    places.municipality,
    notes.topic,
    nullif(notes.category_id, '') as category_id,
    cast(null as varchar) as measure_id,
    notes.year_from,
    notes.year_to,
    notes.kaa_included,
    notes.note_sv,
    notes.note_en,
    notes.source
from {{ ref('municipality_notes') }} as notes
left join {{ ref('stg_places') }} as places on notes.municipality_id = places.municipality_id
union all
-- explained gaps, while the explanation holds; in the words of whoever explained them
select
    concat_ws(
        ':', 'gap', explained.measure_id, explained.municipality_id, explained.year_from, explained.year_to,
        explained.acknowledged_on, explained.source, md5(explained.acknowledged_by || explained.note)
    ) as note_id,
    explained.municipality_id,
    places.municipality,
    measures.topic,
    measures.category_id,
    explained.measure_id,
    explained.year_from,
    explained.year_to,
    cast(null as boolean) as kaa_included,
    explained.note as note_sv,
    explained.note as note_en,
    explained.acknowledged_by || ', ' || explained.acknowledged_on as source
from {{ ref('stg_acknowledged_gaps') }} as explained
inner join {{ ref('dim_measure') }} as measures on explained.measure_id = measures.measure_id
inner join {{ ref('stg_places') }} as places on explained.municipality_id = places.municipality_id
order by note_id asc
