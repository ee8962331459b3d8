-- The cells of the totals (both sexes, all ages) that should exist: months from the first to the last of the measure × places. Live: the
-- municipalities in scope. Sample: the places that the synthetic files hold.
-- depends_on: {{ ref('int_places__in_scope') }}
with months as (
    select
        measure_id,
        unnest(generate_series(min(month), max(month), interval 1 month)) as month
    from {{ ref('int_af__versions') }}
    where place_kind = 'municipality' and gender = 'T' and age_group = 'total'
    group by measure_id
),

{% if var("ame_mode") == "sample" %}
    places as (
        select distinct
            measure_id,
            place_id as municipality_id
        from {{ ref('int_af__versions') }}
        where place_kind = 'municipality' and gender = 'T' and age_group = 'total'
    ),
{% else %}
    places as (
        select
            measures.measure_id,
            in_scope.municipality_id
        from {{ ref('stg_af__measures') }} as measures
        cross join {{ ref('int_places__in_scope') }} as in_scope
    ),
{% endif %}

first_files as (
    select
        measure_id,
        min(valid_from) as first_asked_at
    from {{ ref('int_af__versions') }}
    group by measure_id
)

select
    months.measure_id,
    places.municipality_id,
    cast(months.month as date) as month,
    'T' as gender,
    'total' as age_group,
    first_files.first_asked_at
from months
inner join places on months.measure_id = places.measure_id
inner join first_files on months.measure_id = first_files.measure_id
