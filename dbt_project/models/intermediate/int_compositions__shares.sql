-- The whole composition wherever at least one of its cells is there: one row per category valid in the year, with its
-- share or the reason why it has none (also where that category alone was neither expected nor reported).
select
    status.composition_id,
    status.topic,
    compositions.category_id,
    compositions.measure_id,
    compositions.kpi_id,
    status.municipality_id,
    status.year,
    status.gender,
    cells.share_pct,
    case
        when cells.category_id is not null then cells.missing_reason
        else
            {{ outside_reason(
                'status.year', 'years.first_year', 'years.last_year', 'years.discontinued_last_year', was_asked()
            ) }}
    end as missing_reason,
    coalesce(cells.is_corrected, false) as is_corrected,
    cells.category_id is not null as has_cell,
    cells.fetched_at,
    cells.vintage
from {{ ref('int_compositions__status') }} as status
inner join {{ ref('stg_kolada__compositions') }} as compositions
    on
        status.composition_id = compositions.composition_id
        and (compositions.valid_from_year is null or status.year >= compositions.valid_from_year)
        and (compositions.valid_to_year is null or status.year <= compositions.valid_to_year)
left join {{ ref('int_compositions__cells') }} as cells
    on
        status.composition_id = cells.composition_id
        and compositions.category_id = cells.category_id
        and status.municipality_id = cells.municipality_id
        and status.year = cells.year
        and status.gender = cells.gender
left join {{ ref('int_measures__years') }} as years on compositions.measure_id = years.measure_id
{{ join_asked("compositions.measure_id", "status.municipality_id", "status.year") }}
