-- Only where the group's members are the same ones for both: all of ours report, and the source counts as many.
-- Of the newest fetch of the measure only: a mean that was not brought with the newest values says nothing of them.
-- One tolerance is a rounding of the source to six decimals, of the sum and of the mean.
with fetches as (
    select kpi_id, max(fetched_at) as fetched_at
    from landing_measures
    where outcome = 'complete'
    group by kpi_id
),

newest as (
    select group_values.*
    from landing_group_values as group_values
    inner join fetches on group_values.kpi_id = fetches.kpi_id and group_values.fetched_at = fetches.fetched_at
    qualify
        row_number() over (
            partition by group_values.kpi_id, group_values.group_id, group_values.year, group_values.gender
            order by group_values.fetch_id desc
        ) = 1
)

select
    concat_ws(' ', ours.group_name, ours.year, ours.gender, ours.measure_id) as label,
    ours.group_id,
    ours.group_name,
    ours.measure_id,
    measures.kpi_id,
    ours.year,
    ours.gender,
    ours.n_members,
    ours.mean_unweighted,
    newest.value as mean_of_source,
    newest.member_count as n_members_of_source,
    round(abs(ours.mean_unweighted - newest.value) / (0.00001 + 0.0000001 * abs(newest.value)), 3)
        as difference_in_tolerances,
    newest.value::varchar || ' (the source)' as expected,
    ours.mean_unweighted::varchar || ' (ours)' as found,
    newest.fetched_at
from marts.group_summary as ours
inner join marts.dim_measure as measures on ours.measure_id = measures.measure_id
inner join newest
    on
        measures.kpi_id = newest.kpi_id
        and ours.group_id = newest.group_id
        and ours.year = newest.year
        and ours.gender = newest.gender
where
    ours.mean_unweighted is not null
    and ours.n_reporting = ours.n_members
    and coalesce(newest.member_count, ours.n_members) = ours.n_members
order by all
