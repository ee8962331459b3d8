select
    group_id,
    municipality_id,
    valid_from,
    valid_to
from {{ ref('municipality_group_members') }}
