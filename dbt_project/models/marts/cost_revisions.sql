-- The last preliminary and the first final value of each cell that the source has published as preliminary.
with versions as (
    select *
    from {{ ref('int_observations__versions') }}
    where value is not null
),

preliminary as (
    select *
    from versions
    where is_preliminary
    qualify
        row_number() over (partition by measure_id, municipality_id, year, gender order by valid_from desc) = 1
),

final as (
    select versions.*
    from versions
    inner join preliminary
        on
            versions.measure_id = preliminary.measure_id
            and versions.municipality_id = preliminary.municipality_id
            and versions.year = preliminary.year
            and versions.gender = preliminary.gender
            and versions.valid_from > preliminary.valid_from
    where not versions.is_preliminary
    qualify
        row_number() over (
            partition by versions.measure_id, versions.municipality_id, versions.year, versions.gender
            order by versions.valid_from
        ) = 1
)

select
    preliminary.measure_id,
    preliminary.municipality_id,
    preliminary.year,
    preliminary.gender,
    catalogue.title_sv as measure,
    places.municipality,
    catalogue.unit,
    preliminary.value as preliminary_value,
    preliminary.valid_from as preliminary_from,
    final.value as final_value,
    final.valid_from as final_from,
    {{ stable("final.value - preliminary.value") }} as difference,
    {{ stable("(final.value - preliminary.value) * 100.0 / nullif(abs(preliminary.value), 0)") }} as difference_pct,
    case when final.value is null then 'not_yet_published' end as missing_reason,
    '{{ "as_printed" if var("ame_mode") == "sample" else "api" }}' as origin
from preliminary
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on preliminary.measure_id = catalogue.measure_id
inner join {{ ref('stg_places') }} as places on preliminary.municipality_id = places.municipality_id
left join final
    on
        preliminary.measure_id = final.measure_id
        and preliminary.municipality_id = final.municipality_id
        and preliminary.year = final.year
        and preliminary.gender = final.gender
order by preliminary.measure_id, preliminary.municipality_id, preliminary.year, preliminary.gender
