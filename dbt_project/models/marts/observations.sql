select
    versions.source,
    versions.measure_id,
    versions.municipality_id,
    versions.period,
    versions.gender,
    versions.year,
    versions.value,
    versions.missing_reason,
    versions.source_status,
    versions.kpi_id,
    versions.fetched_at,
    versions.fetch_id,
    versions.is_preliminary,
    versions.is_released,
    versions.vintage,
    '{{ "as_printed" if var("ame_mode") == "sample" else "api" }}' as origin,
    firsts.first_reported_at,
    firsts.is_late
from {{ ref('int_observations__versions') }} as versions
left join {{ ref('int_observations__first') }} as firsts
    on
        versions.measure_id = firsts.measure_id
        and versions.municipality_id = firsts.municipality_id
        and versions.year = firsts.year
        and versions.gender = firsts.gender
where versions.valid_to is null
union all
-- of Arbetsförmedlingen's cells those that this key identifies: all ages together (measure_id says the duration)
select
    source,
    measure_id,
    place_id as municipality_id,
    period,
    gender,
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
    {{ af_origin() }} as origin,
    cast(null as timestamp) as first_reported_at,
    cast(null as boolean) as is_late
from {{ ref('int_af__versions') }}
where
    valid_to is null
    and place_kind in ('municipality', 'riket')
    and age_group = 'total'
    and gender in ('T', 'K', 'M')
order by source, measure_id, municipality_id, period, gender
