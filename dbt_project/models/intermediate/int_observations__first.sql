-- When each cell had its first value, and whether that was late: after somebody's value of the same measure and year was known, and
-- after a complete fetch had asked for this cell in vain. What a printed table leaves out (sample) tells nothing about who was late.
with first_values as (
    select
        measure_id,
        municipality_id,
        year,
        gender,
        min(valid_from) as first_reported_at
    from {{ ref('int_observations__versions') }}
    where value is not null
    group by measure_id, municipality_id, year, gender
),

year_published as (
    select
        measure_id,
        year,
        min(first_reported_at) as first_published_at
    from first_values
    group by measure_id, year
)

select
    first_values.measure_id,
    first_values.municipality_id,
    first_values.year,
    first_values.gender,
    first_values.first_reported_at,
    {% if var("ame_mode") == "sample" %}
        cast(null as boolean)
    {% else %}
        first_values.first_reported_at
        > greatest(
            year_published.first_published_at, least(asked_all.first_asked_at, asked_year.first_asked_at)
        )
    {% endif %} as is_late
from first_values
inner join year_published
    on first_values.measure_id = year_published.measure_id and first_values.year = year_published.year
left join {{ ref('int_measures__asked') }} as asked_all
    on
        first_values.measure_id = asked_all.measure_id
        and first_values.municipality_id = asked_all.municipality_id
        and asked_all.year is null
left join {{ ref('int_measures__asked') }} as asked_year
    on
        first_values.measure_id = asked_year.measure_id
        and first_values.municipality_id = asked_year.municipality_id
        and first_values.year = asked_year.year
