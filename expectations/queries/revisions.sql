-- The newest fetch of each source that changed anything: values that it revised, values that it took back.
-- A preliminary value that becomes final is no revision.
with versions as (
    select
        *,
        lag(value) over same_cell as value_before,
        lag(is_preliminary) over same_cell as was_preliminary,
        lag(valid_from) over same_cell as valid_before
    from marts.observation_history
    window same_cell as (
        partition by source, measure_id, municipality_id, period, gender order by valid_from
    )
),

newest as (
    select source, max(fetched_at) as fetched_at
    from marts.observations
    group by source
),

changed as (
    select
        versions.source,
        versions.measure_id,
        versions.municipality_id,
        versions.period,
        versions.gender,
        versions.fetched_at,
        versions.value,
        versions.value_before,
        versions.value is null as is_withdrawn,
        abs(versions.value - versions.value_before) as size,
        case when measures.unit = 'percent' then abs(versions.value - versions.value_before) end as change_pp,
        case
            when measures.unit <> 'percent' and abs(versions.value_before) >= 100
                then abs(versions.value - versions.value_before) * 100 / abs(versions.value_before)
        end as change_pct
    from versions
    inner join newest on versions.source = newest.source and versions.valid_from = newest.fetched_at
    left join marts.dim_measure as measures on versions.measure_id = measures.measure_id
    where
        versions.value_before is not null
        and not coalesce(versions.was_preliminary, false)
        and versions.value is distinct from versions.value_before
),

ranked as (
    select
        *,
        row_number() over (
            partition by source, measure_id, fetched_at
            order by size desc nulls last, municipality_id, period, gender
        ) as place
    from changed
),

counted as (
    select source, measure_id, count(*) as n_values
    from marts.observations
    where value is not null
    group by source, measure_id
),

listed as (
    select
        source,
        measure_id,
        fetched_at,
        count(*) as n_changed,
        count(*) filter (where is_withdrawn) as n_withdrawn,
        max(change_pp) as largest_change_pp,
        max(change_pct) as largest_change_pct,
        max(municipality_id) filter (where place = 1) as municipality_id,
        max(period) filter (where place = 1) as period,
        max(gender) filter (where place = 1) as gender,
        max(value_before) filter (where place = 1 and not is_withdrawn) as value_before,
        max(value) filter (where place = 1) as value
    from ranked
    group by source, measure_id, fetched_at
)

select
    concat_ws(
        ' ', listed.measure_id, listed.municipality_id, listed.period, listed.gender,
        listed.value_before || ' → ' || listed.value
    ) as label,
    listed.source,
    listed.measure_id,
    listed.municipality_id,
    listed.period,
    listed.gender,
    listed.n_changed,
    listed.n_withdrawn,
    case when counted.n_values >= 20 then round(listed.n_changed * 100.0 / counted.n_values, 2) end as revised_pct,
    round(listed.largest_change_pp, 2) as largest_change_pp,
    round(listed.largest_change_pct, 2) as largest_change_pct,
    coalesce(listed.value_before::varchar, 'a value') as expected,
    listed.n_changed || ' revised, ' || listed.n_withdrawn || ' of them taken back'
    || coalesce('; the largest now ' || listed.value, '') as found,
    listed.fetched_at
from listed
left join counted on listed.source = counted.source and listed.measure_id = counted.measure_id
order by all
