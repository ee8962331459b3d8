with compared as (
    select
        figures.*,
        cells.value as warehouse_value,
        cells.missing_reason as warehouse_missing_reason,
        cells.measure_id is not null and coalesce(cells.missing_reason, '') <> 'not_loaded' as is_comparable
    from {{ ref('int_printed__figures') }} as figures
    left join {{ ref('int_measures__cells') }} as cells
        on
            figures.measure_id = cells.measure_id
            and figures.municipality_id = cells.municipality_id
            and figures.year = cells.year
            and figures.gender = cells.gender
)

select
    figure_id,
    report,
    table_name,
    table_file,
    municipality_id,
    municipality,
    period,
    year,
    measure,
    measure_id,
    kpi_id,
    kpi_match,
    kpi_note,
    gender,
    unit,
    value,
    value_text,
    missing_reason,
    raw_text,
    is_approximate,
    retrieved,
    vintage_date,
    is_vintage_inferred,
    source_note,
    footnote,
    is_ambiguous,
    ambiguity_note,
    warehouse_value,
    case
        when measure_id is null or warehouse_value is not null then null
        else coalesce(warehouse_missing_reason, 'not_loaded')
    end as warehouse_missing_reason,
    case
        when not is_comparable then 'not_comparable'
        when value is null and warehouse_value is null then 'same'
        when value is null then 'changed_since'
        when warehouse_value is null then 'missing_since'
        when abs(warehouse_value - value) <= 0.5 * power(10, -n_decimals) + 0.000000001 then 'same'
        else 'changed_since'
    end as comparison
from compared
order by table_file asc, table_name asc, municipality_id asc, period asc, measure asc, gender asc, figure_id asc
