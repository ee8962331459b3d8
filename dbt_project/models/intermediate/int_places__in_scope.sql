-- The municipalities whose figures are expected: all 290, or those that the setting names (by id or by group).
-- depends_on: {{ ref('stg_group_members') }}
select places.municipality_id
from {{ ref('stg_places') }} as places
where
    places.type = 'K'
    {% if var("ame_scope") %}
        and (
            {{ in_ids("places.municipality_id", var("ame_scope")) }}
            or places.municipality_id in (
                select members.municipality_id
                from {{ ref('stg_group_members') }} as members
                where {{ in_ids("members.group_id", var("ame_scope")) }}
            )
        )
    {% endif %}
