select
    group_id,
    group_name_sv as group_name,
    kind,
    nullif(edition, '') as edition,
    source,
    nullif(note, '') as note
from {{ ref('municipality_groups') }}
