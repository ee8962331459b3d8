-- The two sources are put together before they are sorted: sorted straight out of a union, DuckDB holds all rows in memory and ends with
-- an out-of-memory error at the size of the country, where a sort of one table goes to the disk.
with versions as materialized (
    select
        source,
        measure_id,
        municipality_id,
        period,
        gender,
        valid_from,
        valid_to,
        year,
        value,
        missing_reason,
        source_status,
        kpi_id,
        fetched_at,
        fetch_id,
        is_preliminary,
        is_released,
        vintage,
        '{{ "as_printed" if var("ame_mode") == "sample" else "api" }}' as origin
    from {{ ref('int_observations__versions') }}
    union all
    -- of Arbetsförmedlingen's cells those that this key identifies: all ages together (measure_id says the duration)
    select
        source,
        measure_id,
        place_id as municipality_id,
        period,
        gender,
        valid_from,
        valid_to,
        cast(year(month) as integer) as year,
        value,
        missing_reason,
        source_status,
        cast(null as varchar) as kpi_id,
        fetched_at,
        fetch_id,
        false as is_preliminary,
        false as is_released,
        vintage,
        {{ af_origin() }} as origin
    from {{ ref('int_af__versions') }}
    where
        place_kind in ('municipality', 'riket')
        and age_group = 'total'
        and gender in ('T', 'K', 'M')
)

select *
from versions
order by source, measure_id, municipality_id, period, gender, valid_from
