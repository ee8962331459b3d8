select
    notes.note_id,
    notes.municipality_id,
    places.municipality,
    notes.topic,
    nullif(notes.category_id, '') as category_id,
    notes.year_from,
    notes.year_to,
    notes.kaa_included,
    notes.note_sv,
    notes.note_en,
    notes.source
from {{ ref('municipality_notes') }} as notes
left join {{ ref('stg_places') }} as places on notes.municipality_id = places.municipality_id
order by notes.note_id asc
