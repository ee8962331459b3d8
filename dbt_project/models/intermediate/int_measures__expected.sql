-- The cells that should exist. Live: municipalities in scope × the years of the measure × its genders.
-- Sample: exactly the cells that the printed tables span, which are the records that the sample source has.
-- depends_on: {{ ref('int_observations__versions') }}, {{ ref('int_measures__years') }}
-- depends_on: {{ ref('int_places__in_scope') }}, {{ ref('int_measures__genders') }}
{% if var("ame_mode") == "sample" %}
    select distinct
        measure_id,
        kpi_id,
        municipality_id,
        year,
        gender
    from {{ ref('int_observations__versions') }}
{% else %}
    select
        spans.measure_id,
        spans.kpi_id,
        places.municipality_id,
        spans.year,
        genders.gender
    from (
        select
            measure_id,
            kpi_id,
            unnest(generate_series(first_year, last_year)) as year
        from {{ ref('int_measures__years') }}
        where first_year is not null and last_year is not null
    ) as spans
    cross join {{ ref('int_places__in_scope') }} as places
    inner join {{ ref('int_measures__genders') }} as genders on spans.measure_id = genders.measure_id
{% endif %}
