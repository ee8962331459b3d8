select
    members.group_id,
    municipality_groups.group_name,
    members.municipality_id,
    places.municipality,
    municipality_groups.edition,
    members.valid_from,
    members.valid_to
from {{ ref('stg_group_members') }} as members
inner join {{ ref('stg_groups') }} as municipality_groups on members.group_id = municipality_groups.group_id
inner join {{ ref('stg_places') }} as places on members.municipality_id = places.municipality_id
order by members.group_id, members.municipality_id
