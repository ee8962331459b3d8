with members as (
    select
        members.*,
        stg_groups.group_name
    from {{ ref('int_groups__cells') }} as members
    inner join {{ ref('stg_groups') }} as stg_groups on members.group_id = stg_groups.group_id
    where
        stg_groups.kind in ('region', 'region_subset', 'county', 'study', 'study_region', 'dua_cluster')
        and members.unit <> 'boolean'
),

ranked as (
    select
        *,
        rank() over (
            partition by group_id, measure_id, year, gender
            order by case when value is null then 1 else 0 end asc, value desc
        ) as rank_from_highest,
        rank() over (
            partition by group_id, measure_id, year, gender
            order by case when value is null then 1 else 0 end asc, value asc
        ) as rank_from_lowest,
        count(value) over (partition by group_id, measure_id, year, gender) as n_ranked
    from members
)

select
    ranked.group_id,
    ranked.group_name,
    ranked.year,
    ranked.gender,
    ranked.measure_id,
    ranked.municipality_id,
    places.municipality,
    ranked.unit,
    ranked.value,
    ranked.missing_reason,
    cast(case when ranked.value is not null then ranked.rank_from_highest end as integer) as rank_from_highest,
    cast(case when ranked.value is not null then ranked.rank_from_lowest end as integer) as rank_from_lowest,
    cast(ranked.n_ranked as integer) as n_ranked
from ranked
left join {{ ref('stg_places') }} as places on ranked.municipality_id = places.municipality_id
order by
    ranked.group_id asc, ranked.measure_id asc, ranked.gender asc, ranked.year asc, ranked.municipality_id asc
