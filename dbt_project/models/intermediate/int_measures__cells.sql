-- One row per measure, place, year and gender that is expected or that the source has a record of, with its value or
-- the reason why it has none. All marts read from here. A value that the register of known errors corrects is flagged; what the source
-- said stands beside it (and in marts.observations).
with current_versions as (
    select *
    from {{ ref('int_observations__versions') }}
    where valid_to is null
),

expected as (
    select
        *,
        true as is_expected
    from {{ ref('int_measures__expected') }}
)

select
    coalesce(current_versions.measure_id, expected.measure_id) as measure_id,
    coalesce(current_versions.kpi_id, expected.kpi_id) as kpi_id,
    coalesce(current_versions.municipality_id, expected.municipality_id) as municipality_id,
    cast(coalesce(current_versions.year, expected.year) as integer) as year,
    coalesce(current_versions.gender, expected.gender) as gender,
    coalesce(corrections.corrected_value, current_versions.value) as value,
    case
        when current_versions.measure_id is not null then current_versions.missing_reason
        when asked_all.measure_id is not null or asked_year.measure_id is not null then 'not_reported'
        else 'not_loaded'
    end as missing_reason,
    coalesce(expected.is_expected, false) as is_expected,
    current_versions.measure_id is not null as is_observed,
    current_versions.source_status,
    current_versions.fetched_at,
    current_versions.fetch_id,
    coalesce(current_versions.is_preliminary, false) as is_preliminary,
    current_versions.vintage,
    current_versions.valid_from,
    least(asked_all.first_asked_at, asked_year.first_asked_at) as first_asked_at,
    corrections.measure_id is not null as is_corrected,
    current_versions.value as source_value,
    corrections.note as correction_note
from current_versions
full outer join expected
    on
        current_versions.measure_id = expected.measure_id
        and current_versions.municipality_id = expected.municipality_id
        and current_versions.year = expected.year
        and current_versions.gender = expected.gender
left join {{ ref('int_measures__asked') }} as asked_all
    on
        coalesce(current_versions.measure_id, expected.measure_id) = asked_all.measure_id
        and coalesce(current_versions.municipality_id, expected.municipality_id) = asked_all.municipality_id
        and asked_all.year is null
left join {{ ref('int_measures__asked') }} as asked_year
    on
        coalesce(current_versions.measure_id, expected.measure_id) = asked_year.measure_id
        and coalesce(current_versions.municipality_id, expected.municipality_id) = asked_year.municipality_id
        and coalesce(current_versions.year, expected.year) = asked_year.year
left join {{ ref('stg_source_corrections') }} as corrections
    on
        current_versions.measure_id = corrections.measure_id
        and current_versions.municipality_id = corrections.municipality_id
        and current_versions.year = corrections.year
        and current_versions.gender = corrections.gender
        and corrections.is_in_force
        and abs(current_versions.value - corrections.source_value) < 0.000001
