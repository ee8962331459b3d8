-- 0–24 months is the sum of two classes, from 2024 of three: every class of the composition below 24 months.
with parts as (
    select
        compositions.composition_id,
        compositions.category_id,
        compositions.valid_from_year,
        compositions.valid_to_year,
        years.first_year,
        years.last_year,
        years.discontinued_last_year,
        years.is_asked
    from {{ ref('stg_kolada__compositions') }} as compositions
    left join {{ ref('int_measures__years') }} as years on compositions.measure_id = years.measure_id
    where compositions.topic = 'time_without_work' and compositions.category_id not in ('gt_24m', 'unknown')
),

rows_of_composition as (
    select
        composition_id,
        municipality_id,
        year
    from {{ ref('int_compositions__status') }}
    where topic = 'time_without_work' and gender = 'T'
),

joined as (
    select
        rows_of_composition.municipality_id,
        rows_of_composition.year,
        rows_of_composition.composition_id,
        parts.category_id,
        cells.share_pct,
        case
            when cells.category_id is not null then cells.missing_reason
            else
                {{ outside_reason(
                    'rows_of_composition.year', 'parts.first_year', 'parts.last_year',
                    'parts.discontinued_last_year', 'parts.is_asked'
                ) }}
        end as missing_reason,
        row_number() over (
            partition by
                rows_of_composition.municipality_id, rows_of_composition.year, rows_of_composition.composition_id
            order by case when cells.share_pct is null then 0 else 1 end asc, parts.category_id asc
        ) as reason_number
    from rows_of_composition
    inner join parts
        on
            rows_of_composition.composition_id = parts.composition_id
            and (parts.valid_from_year is null or rows_of_composition.year >= parts.valid_from_year)
            and (parts.valid_to_year is null or rows_of_composition.year <= parts.valid_to_year)
    left join {{ ref('int_compositions__cells') }} as cells
        on
            rows_of_composition.composition_id = cells.composition_id
            and parts.category_id = cells.category_id
            and rows_of_composition.municipality_id = cells.municipality_id
            and rows_of_composition.year = cells.year
            and cells.gender = 'T'
),

summed as (
    select
        municipality_id,
        year,
        composition_id,
        count(*) as n_parts,
        count(share_pct) as n_with_value,
        sum(share_pct) as share_pct,
        {{ id_list("category_id", "true") }} as category_ids,
        max(case when reason_number = 1 then missing_reason end) as missing_reason
    from joined
    group by municipality_id, year, composition_id
)

select
    summed.municipality_id,
    places.municipality,
    summed.year,
    summed.composition_id,
    summed.category_ids,
    case when summed.n_with_value = summed.n_parts then {{ stable("summed.share_pct") }} end as share_pct,
    summed.missing_reason
from summed
left join {{ ref('stg_places') }} as places on summed.municipality_id = places.municipality_id
order by summed.municipality_id asc, summed.year asc, summed.composition_id asc
