select
    base.municipality_id,
    places.municipality,
    base.gender,
    base.year as base_year,
    later.year,
    base.participants as base_participants,
    later.participants,
    later.participants - base.participants as change_persons,
    {{ stable("(later.participants - base.participants) * 100.0 / nullif(base.participants, 0)") }} as change_pct,
    coalesce(later.missing_reason, base.missing_reason) as missing_reason,
    base.participants = 0 as is_base_zero,
    coalesce(base.participants < {{ var("small_base_persons") }}, false)
    or coalesce(later.participants < {{ var("small_base_persons") }}, false) as is_small_base
from {{ ref('int_participants__cells') }} as base
inner join {{ ref('int_participants__cells') }} as later
    on
        base.municipality_id = later.municipality_id
        and base.gender = later.gender
        and base.year < later.year
inner join {{ ref('stg_places') }} as places on base.municipality_id = places.municipality_id
order by base.municipality_id, base.gender, base.year, later.year
