-- Every comparison of two years of one measure, against the breaks of its series that were not bridged by a revision.
with broken as (
    select distinct measure_id, break_year
    from marts.dim_series_break
    where measure_id is not null and not is_bridged
),

compared as (
    select
        'marts.group_contributions' as table_name,
        measure_id,
        municipality_id,
        year - 1 as base_year,
        year,
        is_break_crossed
    from marts.group_contributions
    union all
    select
        'marts.pair_comparison' as table_name,
        measure_id,
        municipality_id_a as municipality_id,
        year - 1 as base_year,
        year,
        is_break_crossed
    from marts.pair_comparison
    union all
    -- participants have no flag: a break of the series must come with one
    select
        'marts.participant_changes' as table_name,
        'ame_participants_total' as measure_id,
        municipality_id,
        base_year,
        year,
        false as is_break_crossed
    from marts.participant_changes
)

select
    concat_ws(' ', compared.table_name, compared.measure_id, compared.municipality_id, compared.base_year || '–', compared.year)
        as label,
    compared.table_name,
    compared.measure_id,
    compared.municipality_id,
    compared.base_year,
    compared.year,
    broken.break_year,
    true as is_unflagged,
    'a flag: the series breaks in ' || broken.break_year as expected,
    'no flag' as found
from compared
inner join broken
    on
        compared.measure_id = broken.measure_id
        and compared.base_year < broken.break_year
        and compared.year >= broken.break_year
where not coalesce(compared.is_break_crossed, false)
order by all
limit 10000
