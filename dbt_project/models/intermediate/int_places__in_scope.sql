-- The municipalities whose figures are expected: all 290, or those that the setting names (by id or by group).
select places.municipality_id
from {{ ref('stg_places') }} as places
where
    places.type = 'K'
    {% if var("ame_scope") %}
        and (
            places.municipality_id in ('{{ var("ame_scope") | join("', '") }}')
            or places.municipality_id in (
                select members.municipality_id
                from {{ ref('stg_group_members') }} as members
                where members.group_id in ('{{ var("ame_scope") | join("', '") }}')
            )
        )
    {% endif %}
