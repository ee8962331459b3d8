select
    cells.municipality_id,
    places.municipality,
    cells.year,
    cells.gender,
    cells.participants,
    cells.missing_reason,
    cells.participants - cells.participants_before as change_persons,
    {{ stable("(cells.participants - cells.participants_before) * 100.0 / nullif(cells.participants_before, 0)") }}
        as change_pct,
    case
        when cells.change_missing_reason is not null then cells.change_missing_reason
        when cells.participants_before = 0 then 'not_applicable'
    end as change_missing_reason,
    cells.population,
    cells.population_missing_reason,
    {{ stable("cells.participants * 100.0 / nullif(cells.population, 0)") }} as share_of_population_pct,
    coalesce(cells.participants < {{ var("small_base_persons") }}, false)
    or coalesce(cells.participants_before < {{ var("small_base_persons") }}, false) as is_small_base,
    cells.is_expected,
    cells.fetched_at,
    cells.vintage,
    coalesce(cells.is_corrected, false) as is_corrected
from {{ ref('int_participants__cells') }} as cells
inner join {{ ref('stg_places') }} as places on cells.municipality_id = places.municipality_id
order by cells.municipality_id, cells.year, cells.gender
