select
    municipality_groups.group_id,
    municipality_groups.group_name,
    municipality_groups.kind,
    municipality_groups.edition,
    municipality_groups.source,
    municipality_groups.note,
    count(members.municipality_id) as n_members
from {{ ref('stg_groups') }} as municipality_groups
left join {{ ref('stg_group_members') }} as members on municipality_groups.group_id = members.group_id
group by all
order by municipality_groups.group_id
