with contents as (
    select
        content_fetch_id,
        file_sha256,
        dataset,
        min(fetched_at) as fetched_at
    from {{ ref('stg_af__files') }}
    where is_usable
    group by content_fetch_id, file_sha256, dataset
),

loaded as (
    select
        raw.*,
        contents.fetched_at,
        tables.dataset is not null as is_known_table,
        columns.dataset is not null as is_known_column,
        coalesce(tables.place_level, 'municipality') as place_level,
        coalesce(tables.has_gender, false) as has_gender,
        coalesce(tables.has_age, false) as has_age,
        coalesce(tables.category_dimension, '') as category_dimension
    from {{ ref('stg_af__jobseekers') }} as raw
    inner join contents
        on
            raw.fetch_id = contents.content_fetch_id
            and raw.file_sha256 = contents.file_sha256
            and raw.dataset = contents.dataset
    left join {{ ref('af_tables') }} as tables
        on raw.dataset = tables.dataset and raw.table_name = tables.table_name
    left join {{ ref('af_columns') }} as columns
        on raw.dataset = columns.dataset and raw.measure_raw = columns.measure_raw
),

unknown as (
    select
        'table' as kind,
        loaded.table_name as name,
        loaded.*
    from loaded
    where not loaded.is_known_table
    union all
    select
        'column' as kind,
        loaded.measure_raw as name,
        loaded.*
    from loaded
    where not loaded.is_known_column
    union all
    select
        'place' as kind,
        loaded.municipality_raw as name,
        loaded.*
    from loaded
    inner join {{ ref('int_af__places') }} as places
        on loaded.county_raw = places.county_raw and loaded.municipality_raw = places.municipality_raw
    where loaded.place_level = 'municipality' and places.place_kind = 'unknown_name'
    union all
    select
        'county' as kind,
        loaded.county_raw as name,
        loaded.*
    from loaded
    inner join {{ ref('int_af__places') }} as places
        on loaded.county_raw = places.county_raw and loaded.municipality_raw = places.municipality_raw
    where
        loaded.place_level = 'municipality'
        and not places.is_county_blank
        and places.stated_county_code is null
        and places.place_kind not in ('riket', 'county')
    union all
    -- a municipality in another county than its own, and not one that has moved
    select
        'municipality_in_county' as kind,
        loaded.county_raw || ': ' || loaded.municipality_raw as name,
        loaded.*
    from loaded
    inner join {{ ref('int_af__places') }} as places
        on loaded.county_raw = places.county_raw and loaded.municipality_raw = places.municipality_raw
    left join {{ ref('af_place_counties') }} as homes
        on places.municipality_id = homes.municipality_id and places.stated_county_code = homes.county_code
    where
        places.place_kind = 'municipality'
        and places.stated_county_code <> places.home_county_code
        and homes.municipality_id is null
    {% for dimension, column, flag in [
        ("gender", "gender_raw", "loaded.has_gender"),
        ("age", "age_raw", "loaded.has_age"),
        ("birth", "birth_raw", "loaded.category_dimension = 'birth'"),
        ("education", "education_raw", "loaded.category_dimension = 'education'"),
    ] %}
        union all
        select
            '{{ dimension }}' as kind,
            loaded.{{ column }} as name,
            loaded.*
        from loaded
        inner join {{ ref('int_af__names') }} as names
            on names.dimension = '{{ dimension }}' and loaded.{{ column }} = names.raw_name
        where {{ flag }} and names.category is null
    {% endfor %}
    union all
    select
        'marker' as kind,
        loaded.raw_text as name,
        loaded.*
    from loaded
    left join {{ ref('af_markers') }} as markers
        on loaded.dataset = markers.dataset and {{ af_name("loaded.raw_text") }} = markers.raw_text
    where loaded.value is null and not loaded.is_masked and markers.dataset is null
)

select
    unknown.kind,
    unknown.name,
    unknown.dataset,
    unknown.table_name,
    cast(count(*) as bigint) as n_rows,
    {{ stable("sum(unknown.value)") }} as sum_of_values,
    min(unknown.month) as first_month,
    max(unknown.month) as last_month,
    min(unknown.fetched_at) as first_seen_at,
    {{ af_origin() }} as origin
from unknown
group by unknown.kind, unknown.name, unknown.dataset, unknown.table_name
order by unknown.kind, unknown.name, unknown.dataset, unknown.table_name
