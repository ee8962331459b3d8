-- One row per group, measure, year, gender and member: the value this year and the year before, and the weight.
-- Combinations in which no member has a cell are left out; a member without a cell is there without a value.
with catalogue as (
    select
        measure_id,
        unit,
        case
            when is_kas and unit = 'percent' then 'ame_participants_total'
            when unit in ('ordinal', 'boolean') then null
            when unit = 'sek_per_inhabitant' or denominator like 'inhabitants%' then 'population_total'
        end as weight_measure_id
    from {{ ref('stg_kolada__catalogue') }}
),

cells as (
    select *
    from {{ ref('int_measures__cells') }}
    where is_expected or is_observed
),

spans as (
    select distinct
        measure_id,
        year,
        gender
    from cells
    where municipality_id <> '0000'
),

members as (
    select
        members.group_id,
        members.municipality_id,
        spans.measure_id,
        spans.year,
        spans.gender
    from spans
    cross join {{ ref('stg_group_members') }} as members
    where
        members.municipality_id <> '0000'
        and {{ is_member_in('spans.year', 'members.valid_from', 'members.valid_to') }}
),

joined as (
    select
        members.group_id,
        members.measure_id,
        members.year,
        members.gender,
        members.municipality_id,
        catalogue.unit,
        catalogue.weight_measure_id,
        cells.measure_id is not null as has_cell,
        cells.value,
        cells.missing_reason,
        previous_cells.measure_id is not null as has_previous_cell,
        previous_cells.value as previous_value,
        previous_cells.missing_reason as previous_missing_reason,
        weights.value as weight,
        bool_or(cells.measure_id is not null) over (
            partition by members.group_id, members.measure_id, members.year, members.gender
        ) as is_group_spanned
    from members
    inner join catalogue on members.measure_id = catalogue.measure_id
    left join cells
        on
            members.measure_id = cells.measure_id
            and members.municipality_id = cells.municipality_id
            and members.year = cells.year
            and members.gender = cells.gender
    left join cells as previous_cells
        on
            members.measure_id = previous_cells.measure_id
            and members.municipality_id = previous_cells.municipality_id
            and members.year - 1 = previous_cells.year
            and members.gender = previous_cells.gender
    left join cells as weights
        on
            catalogue.weight_measure_id = weights.measure_id
            and members.municipality_id = weights.municipality_id
            and members.year = weights.year
            and members.gender = weights.gender
)

select
    joined.group_id,
    joined.measure_id,
    joined.year,
    joined.gender,
    joined.municipality_id,
    joined.unit,
    joined.weight_measure_id,
    joined.value,
    case
        when joined.has_cell then joined.missing_reason
        when years.measure_id is null then 'not_loaded'
        else
            {{ outside_reason(
                'joined.year', 'years.first_year', 'years.last_year', 'years.discontinued_last_year', was_asked()
            ) }}
    end as missing_reason,
    joined.previous_value,
    case
        when joined.has_previous_cell then joined.previous_missing_reason
        when years.measure_id is null then 'not_loaded'
        else
            {{ outside_reason(
                'joined.year - 1', 'years.first_year', 'years.last_year', 'years.discontinued_last_year',
                was_asked('_before')
            ) }}
    end as previous_missing_reason,
    joined.weight
from joined
left join {{ ref('int_measures__years') }} as years on joined.measure_id = years.measure_id
{{ join_asked("joined.measure_id", "joined.municipality_id", "joined.year") }}
{{ join_asked("joined.measure_id", "joined.municipality_id", "joined.year - 1", "_before") }}
where joined.is_group_spanned
