with rows_of_composition as (
    select
        composition_id,
        topic,
        municipality_id,
        year,
        composition_status
    from {{ ref('int_compositions__status') }}
    where gender = 'T' and topic in ('age', 'education', 'time_without_work', 'enrolment_length')
),

categories as (
    select
        rows_of_composition.composition_id,
        rows_of_composition.municipality_id,
        rows_of_composition.year,
        compositions.category_id,
        cells.share_pct,
        case
            when cells.category_id is not null then cells.missing_reason
            else
                {{ outside_reason(
                    'rows_of_composition.year', 'years.first_year', 'years.last_year',
                    'years.discontinued_last_year', 'years.is_asked'
                ) }}
        end as missing_reason
    from rows_of_composition
    inner join {{ ref('stg_kolada__compositions') }} as compositions
        on
            rows_of_composition.composition_id = compositions.composition_id
            and (compositions.valid_from_year is null or rows_of_composition.year >= compositions.valid_from_year)
            and (compositions.valid_to_year is null or rows_of_composition.year <= compositions.valid_to_year)
    left join {{ ref('int_compositions__cells') }} as cells
        on
            rows_of_composition.composition_id = cells.composition_id
            and rows_of_composition.municipality_id = cells.municipality_id
            and rows_of_composition.year = cells.year
            and compositions.category_id = cells.category_id
            and cells.gender = 'T'
    left join {{ ref('int_measures__years') }} as years on compositions.measure_id = years.measure_id
),

numbered as (
    select
        *,
        max(share_pct) over whole as highest_share_pct,
        row_number() over (
            partition by composition_id, municipality_id, year
            order by case when missing_reason is null then 1 else 0 end asc, category_id asc
        ) as reason_number
    from categories
    window whole as (partition by composition_id, municipality_id, year)
),

modes as (
    select
        composition_id,
        municipality_id,
        year,
        max(highest_share_pct) as highest_share_pct,
        {{ id_list("category_id", "share_pct = highest_share_pct") }} as modal_category_ids,
        sum(case when share_pct = highest_share_pct then 1 else 0 end) as n_modal,
        max(case when reason_number = 1 then missing_reason end) as missing_reason
    from numbered
    group by composition_id, municipality_id, year
)

select
    modes.municipality_id,
    places.municipality,
    modes.year,
    rows_of_composition.topic,
    modes.composition_id,
    rows_of_composition.composition_status,
    case when modes.missing_reason is null then modes.modal_category_ids end as modal_category_ids,
    case when modes.missing_reason is null then modes.highest_share_pct end as modal_share_pct,
    cast(case when modes.missing_reason is null then modes.n_modal end as integer) as n_modal,
    modes.missing_reason
from modes
inner join rows_of_composition
    on
        modes.composition_id = rows_of_composition.composition_id
        and modes.municipality_id = rows_of_composition.municipality_id
        and modes.year = rows_of_composition.year
left join {{ ref('stg_places') }} as places on modes.municipality_id = places.municipality_id
order by modes.municipality_id asc, modes.year asc, modes.composition_id asc
