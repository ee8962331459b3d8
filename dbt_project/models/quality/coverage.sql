select
    cells.measure_id,
    cells.year,
    catalogue.title_sv as measure,
    cast(count(*) as integer) as n_expected,
    cast(count(cells.value) as integer) as n_reported,
    coalesce(
        string_agg(cells.municipality_id, ',' order by cells.municipality_id) filter (where cells.value is null), ''
    ) as missing_municipality_ids,
    {{ stable("count(cells.value) * 100.0 / count(*)") }} as coverage_pct
from {{ ref('int_measures__cells') }} as cells
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on cells.measure_id = catalogue.measure_id
where cells.gender = 'T' and cells.is_expected
group by cells.measure_id, cells.year, catalogue.title_sv
order by cells.measure_id, cells.year
