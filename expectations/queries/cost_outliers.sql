-- Against the median of the others; groups in which at least five others report the year.
with members as (
    select
        members.group_id,
        groups.group_name,
        costs.municipality_id,
        costs.municipality,
        costs.year,
        costs.net_cost_sek_per_inhabitant as net_cost,
        costs.is_preliminary
    from marts.costs as costs
    inner join marts.group_members as members on costs.municipality_id = members.municipality_id
    inner join marts.dim_group as groups on members.group_id = groups.group_id
    where costs.net_cost_sek_per_inhabitant is not null and groups.kind in ('region', 'county', 'skr_kommungrupp', 'study')
),

compared as (
    select
        one.group_id,
        one.group_name,
        one.municipality_id,
        one.municipality,
        one.year,
        one.net_cost,
        median(other.net_cost) as median_of_others,
        count(*) as n_others
    from members as one
    inner join members as other
        on one.group_id = other.group_id and one.year = other.year and one.municipality_id <> other.municipality_id
    group by all
    having count(*) >= 5
)

select
    concat_ws(' ', municipality, year, group_name) as label,
    municipality_id,
    municipality,
    year,
    'lmp_net_cost_per_inhabitant' as measure_id,
    group_id,
    net_cost,
    median_of_others,
    n_others,
    round(net_cost / nullif(median_of_others, 0), 3) as ratio_to_others,
    'near the median of the others: ' || round(median_of_others)::integer || ' kr per inhabitant' as expected,
    round(net_cost)::integer || ' kr per inhabitant' as found
from compared
order by all
