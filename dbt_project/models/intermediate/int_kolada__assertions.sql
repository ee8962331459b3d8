-- What each fetch said of each cell: the record that it brought, or that a record which was there before is gone
-- (only where the fetch asked for the cell and was complete).
with records as (
    select
        fetches.kpi_id,
        observations.municipality_id,
        observations.year,
        observations.gender,
        fetches.fetch_order,
        fetches.fetch_id,
        fetches.fetched_at,
        fetches.vintage,
        observations.value,
        observations.status,
        observations.is_deleted,
        observations.value_issue,
        coalesce(observations.year >= fetches.preliminary_year, false) as is_preliminary,
        true as is_present
    from {{ ref('int_kolada__fetches') }} as fetches
    inner join {{ ref('stg_kolada__observations') }} as observations
        on fetches.content_fetch_id = observations.fetch_id and fetches.kpi_id = observations.kpi_id
),

known_cells as (
    select
        kpi_id,
        municipality_id,
        year,
        gender,
        min(fetch_order) as first_order
    from records
    group by kpi_id, municipality_id, year, gender
),

asked_places as (
    select
        fetch_id,
        kpi_id,
        unnest(municipality_ids) as municipality_id
    from {{ ref('int_kolada__fetches') }}
),

asked_years as (
    select
        fetch_id,
        kpi_id,
        unnest(years) as year
    from {{ ref('int_kolada__fetches') }}
    where years is not null
),

vanished as (
    select
        known_cells.kpi_id,
        known_cells.municipality_id,
        known_cells.year,
        known_cells.gender,
        fetches.fetch_order,
        fetches.fetch_id,
        fetches.fetched_at,
        fetches.vintage
    from known_cells
    inner join {{ ref('int_kolada__fetches') }} as fetches
        on known_cells.kpi_id = fetches.kpi_id and known_cells.first_order < fetches.fetch_order
    inner join asked_places
        on
            fetches.fetch_id = asked_places.fetch_id
            and fetches.kpi_id = asked_places.kpi_id
            and known_cells.municipality_id = asked_places.municipality_id
    left join asked_years
        on
            fetches.fetch_id = asked_years.fetch_id
            and fetches.kpi_id = asked_years.kpi_id
            and known_cells.year = asked_years.year
    left join records
        on
            known_cells.kpi_id = records.kpi_id
            and known_cells.municipality_id = records.municipality_id
            and known_cells.year = records.year
            and known_cells.gender = records.gender
            and fetches.fetch_order = records.fetch_order
    where
        records.kpi_id is null
        and (fetches.years is null or asked_years.year is not null)
),

assertions as (
    select * from records
    union all
    select
        kpi_id,
        municipality_id,
        year,
        gender,
        fetch_order,
        fetch_id,
        fetched_at,
        vintage,
        cast(null as double) as value,
        cast(null as varchar) as status,
        false as is_deleted,
        cast(null as varchar) as value_issue,
        false as is_preliminary,
        false as is_present
    from vanished
)

-- of several fetches with the same time of knowledge (the sample read again) the last one counts
select *
from assertions
qualify
    row_number() over (
        partition by kpi_id, municipality_id, year, gender, fetched_at
        order by fetch_order desc
    ) = 1
