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
order by source, measure_id, municipality_id, period, gender, valid_from
