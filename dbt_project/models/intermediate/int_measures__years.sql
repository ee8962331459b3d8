-- The span of years of each measure: what the catalogue says, else what anybody reports now. A year that was reported by mistake and
-- withdrawn is none; a measure that has lost all its values keeps the years that it had.
with reported as (
    select
        measure_id,
        coalesce(min(case when valid_to is null then year end), min(year)) as earliest_reported,
        coalesce(max(case when valid_to is null then year end), max(year)) as latest_reported
    from {{ ref('int_observations__versions') }}
    where value is not null
    group by measure_id
),

asked as (
    select
        kpi_id,
        bool_or(is_usable) as is_asked
    from {{ ref('stg_kolada__measures') }}
    group by kpi_id
)

select
    catalogue.measure_id,
    catalogue.kpi_id,
    coalesce(catalogue.first_year_known, reported.earliest_reported) as first_year,
    coalesce(catalogue.discontinued_last_year, reported.latest_reported) as last_year,
    catalogue.discontinued_last_year,
    reported.earliest_reported,
    reported.latest_reported,
    coalesce(asked.is_asked, false) as is_asked
from {{ ref('stg_kolada__catalogue') }} as catalogue
left join reported on catalogue.measure_id = reported.measure_id
left join asked on catalogue.kpi_id = asked.kpi_id
