-- One row per composition, category, municipality, year and gender, for the categories that make the whole that year.
select
    compositions.composition_id,
    compositions.topic,
    compositions.category_id,
    cells.measure_id,
    cells.kpi_id,
    cells.municipality_id,
    cells.year,
    cells.gender,
    cells.value as share_pct,
    cells.missing_reason,
    cells.is_corrected,
    cells.fetched_at,
    cells.vintage
from {{ ref('int_measures__cells') }} as cells
inner join {{ ref('stg_kolada__compositions') }} as compositions
    on
        cells.measure_id = compositions.measure_id
        and (compositions.valid_from_year is null or cells.year >= compositions.valid_from_year)
        and (compositions.valid_to_year is null or cells.year <= compositions.valid_to_year)
where cells.is_expected or cells.is_observed
