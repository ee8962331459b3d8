with ranked as (
    select
        *,
        unit not in ('ordinal', 'boolean') as has_means,
        value is not null and previous_value is not null as is_in_panel,
        value is not null and weight is not null as is_weighted,
        row_number() over (
            partition by group_id, measure_id, year, gender
            order by case when value is null then 1 else 0 end asc, value asc, municipality_id asc
        ) as rank_from_lowest,
        row_number() over (
            partition by group_id, measure_id, year, gender
            order by case when value is null then 1 else 0 end asc, value desc, municipality_id asc
        ) as rank_from_highest
    from {{ ref('int_groups__cells') }}
),

summed as (
    select
        group_id,
        year,
        gender,
        measure_id,
        unit,
        weight_measure_id,
        has_means,
        count(*) as n_members,
        count(value) as n_reporting,
        {{ id_list("municipality_id", "value is null") }} as missing_municipality_ids,
        {{ ordered_sum("value", "municipality_id") }} as sum_of_values,
        sum(case when is_in_panel then 1 else 0 end) as panel_n,
        {{ ordered_sum("case when is_in_panel then value end", "municipality_id") }} as panel_sum,
        {{ ordered_sum("case when is_in_panel then previous_value end", "municipality_id") }} as panel_sum_before,
        sum(case when is_weighted then 1 else 0 end) as n_weighted,
        {{ ordered_sum("case when is_weighted then value * weight end", "municipality_id") }} as weighted_sum,
        {{ ordered_sum("case when is_weighted then weight end", "municipality_id") }} as sum_of_weights,
        min(value) as min_value,
        max(case when rank_from_lowest = 1 and value is not null then municipality_id end) as min_municipality_id,
        max(value) as max_value,
        max(case when rank_from_highest = 1 and value is not null then municipality_id end) as max_municipality_id
    from ranked
    group by group_id, year, gender, measure_id, unit, weight_measure_id, has_means
)

select
    summed.group_id,
    stg_groups.group_name,
    summed.year,
    summed.gender,
    summed.measure_id,
    summed.unit,
    cast(summed.n_members as integer) as n_members,
    cast(summed.n_reporting as integer) as n_reporting,
    summed.missing_municipality_ids,
    summed.n_reporting * 100 < summed.n_members * {{ var("thin_reporting_pct") }} as is_thinly_reported,
    case when summed.has_means then {{ stable("summed.sum_of_values / nullif(summed.n_reporting, 0)") }} end
        as mean_unweighted,
    case
        when summed.has_means and summed.sum_of_weights > 0
            then {{ stable("summed.weighted_sum / summed.sum_of_weights") }}
    end as mean_weighted,
    summed.weight_measure_id,
    cast(summed.n_weighted as integer) as n_weighted,
    case when summed.has_means then {{ stable("summed.panel_sum / nullif(summed.panel_n, 0)") }} end
        as mean_constant_panel,
    case when summed.has_means then {{ stable("summed.panel_sum_before / nullif(summed.panel_n, 0)") }} end
        as mean_constant_panel_year_before,
    cast(summed.panel_n as integer) as panel_n,
    case when summed.unit = 'persons' then {{ stable("summed.sum_of_values") }} end as sum_reported,
    summed.min_value,
    summed.min_municipality_id,
    summed.max_value,
    summed.max_municipality_id
from summed
left join {{ ref('stg_groups') }} as stg_groups on summed.group_id = stg_groups.group_id
order by summed.group_id asc, summed.measure_id asc, summed.gender asc, summed.year asc
