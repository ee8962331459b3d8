with skr_groups as (
    select
        members.municipality_id,
        min(municipality_groups.group_id) as skr_group_id,
        min(municipality_groups.group_name) as skr_group
    from {{ ref('stg_group_members') }} as members
    inner join {{ ref('stg_groups') }} as municipality_groups on members.group_id = municipality_groups.group_id
    where municipality_groups.kind = 'skr_kommungrupp'
    group by members.municipality_id
)

select
    places.municipality_id,
    places.municipality,
    places.type,
    case
        when places.municipality_id = '0000' then 'riket'
        when places.type = 'K' then 'kommun'
        else 'region'
    end as place_kind,
    places.county_code,
    places.county_name,
    skr_groups.skr_group_id,
    skr_groups.skr_group,
    in_scope.municipality_id is not null as is_in_scope
from {{ ref('stg_places') }} as places
left join skr_groups on places.municipality_id = skr_groups.municipality_id
left join {{ ref('int_places__in_scope') }} as in_scope on places.municipality_id = in_scope.municipality_id
order by places.municipality_id
