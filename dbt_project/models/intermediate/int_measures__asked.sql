-- For which places and years a complete fetch has asked, and since when; year is null where all years were asked for.
with scopes as (
    select
        kpi_id,
        municipality_ids,
        years,
        min(fetched_at) as first_asked_at
    from {{ ref('stg_kolada__measures') }}
    where is_usable
    group by kpi_id, municipality_ids, years
),

places as (
    select
        kpi_id,
        years,
        first_asked_at,
        unnest(municipality_ids) as municipality_id
    from scopes
),

cells as (
    select
        kpi_id,
        municipality_id,
        cast(null as integer) as year,
        first_asked_at
    from places
    where years is null
    union all
    select
        kpi_id,
        municipality_id,
        unnest(years) as year,
        first_asked_at
    from places
    where years is not null
)

select
    catalogue.measure_id,
    cells.municipality_id,
    cells.year,
    min(cells.first_asked_at) as first_asked_at
from cells
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on cells.kpi_id = catalogue.kpi_id
group by catalogue.measure_id, cells.municipality_id, cells.year
