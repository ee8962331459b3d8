-- What has become of each entry of the register: applied, mended by the publisher, gone at the source, expired, not yet in force.
select
    register.measure_id,
    register.municipality_id,
    register.year,
    register.gender,
    measures.title as measure,
    places.municipality,
    measures.unit,
    case
        when versions.value is null then 'gone'
        when abs(versions.value - register.source_value) >= 0.000001 then 'mended'
        when register.is_in_force then 'applied'
        when register.corrected_on > {{ build_day() }} then 'not_yet'
        else 'expired'
    end as state,
    register.source_value,
    register.corrected_value,
    versions.value as value_at_source,
    register.correction_source,
    register.corrected_by,
    register.corrected_on,
    register.expires_on,
    register.note,
    versions.fetched_at
from {{ ref('stg_source_corrections') }} as register
inner join {{ ref('dim_measure') }} as measures on register.measure_id = measures.measure_id
inner join {{ ref('stg_places') }} as places on register.municipality_id = places.municipality_id
left join {{ ref('int_observations__versions') }} as versions
    on
        register.measure_id = versions.measure_id
        and register.municipality_id = versions.municipality_id
        and register.year = versions.year
        and register.gender = versions.gender
        and versions.valid_to is null
order by register.measure_id, register.municipality_id, register.year, register.gender
