with panel as (
    select
        members.*,
        stg_groups.group_name,
        members.value - members.previous_value as change
    from {{ ref('int_groups__cells') }} as members
    inner join {{ ref('stg_groups') }} as stg_groups on members.group_id = stg_groups.group_id
    where
        stg_groups.kind in ('region', 'region_subset', 'county', 'study', 'study_region', 'dua_cluster')
        and members.unit not in ('boolean', 'ordinal')
        and members.value is not null
        and members.previous_value is not null
),

changes as (
    select
        group_id,
        measure_id,
        year,
        gender,
        count(*) as panel_n,
        {{ ordered_sum("change", "municipality_id") }} as sum_of_changes
    from panel
    group by group_id, measure_id, year, gender
),

crossed as (
    select distinct
        measure_id,
        break_year
    from {{ ref('int_breaks__measures') }}
    where measure_id is not null and not is_bridged
)

select
    panel.group_id,
    panel.group_name,
    panel.year,
    panel.gender,
    panel.measure_id,
    panel.municipality_id,
    places.municipality,
    panel.unit,
    panel.value,
    panel.previous_value as value_year_before,
    {{ stable("panel.change") }} as change,
    {{ stable("panel.change / changes.panel_n") }} as contribution,
    {{ stable("changes.sum_of_changes / changes.panel_n") }} as group_change,
    cast(changes.panel_n as integer) as panel_n,
    cast(
        rank() over (
            partition by panel.group_id, panel.measure_id, panel.year, panel.gender
            order by abs({{ stable("panel.change") }}) desc
        ) as integer
    ) as rank_by_size,
    crossed.measure_id is not null as is_break_crossed
from panel
inner join changes
    on
        panel.group_id = changes.group_id
        and panel.measure_id = changes.measure_id
        and panel.year = changes.year
        and panel.gender = changes.gender
left join crossed on panel.measure_id = crossed.measure_id and panel.year = crossed.break_year
left join {{ ref('stg_places') }} as places on panel.municipality_id = places.municipality_id
order by panel.group_id asc, panel.measure_id asc, panel.gender asc, panel.year asc, panel.municipality_id asc
