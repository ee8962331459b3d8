select
    term_id,
    kind,
    nullif(topic, '') as topic,
    term_sv,
    term_en,
    definition_sv,
    definition_en,
    source
from {{ ref('glossary') }}
order by term_id asc
