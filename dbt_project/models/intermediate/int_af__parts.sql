{{ config(pre_hook=af_join_as_written(), post_hook="reset disabled_optimizers") }}
-- The figures of each file in our own terms: measure, place, month, gender and age group. Rows of one cell are added up where the table
-- has further dimensions. '?' stands for a spelling that the checked list does not have; such rows are in no published cell.
with contents as (
    select
        releases.content_fetch_id,
        releases.file_sha256,
        releases.dataset,
        releases.table_name,
        tables.rank,
        tables.has_gender,
        tables.has_age,
        tables.category_dimension,
        tables.adds_rows,
        tables.place_level,
        min(releases.age_span) as age_span_stated,
        cast(
            row_number() over (
                order by releases.dataset, releases.table_name, releases.content_fetch_id, releases.file_sha256
            ) as integer
        ) as content_no
    from {{ ref('int_af__releases') }} as releases
    inner join {{ ref('af_tables') }} as tables
        on releases.dataset = tables.dataset and releases.table_name = tables.table_name
    group by
        releases.content_fetch_id,
        releases.file_sha256,
        releases.dataset,
        releases.table_name,
        tables.rank,
        tables.has_gender,
        tables.has_age,
        tables.category_dimension,
        tables.adds_rows,
        tables.place_level
),

measures as (
    select
        measure_id,
        unit,
        concept,
        duration,
        category,
        cast(row_number() over (order by measure_id) as integer) as measure_no
    from {{ ref('stg_af__measures') }}
),

place_numbers as (
    select
        place_kind,
        place_id,
        county_code,
        cast(row_number() over (order by place_kind, place_id, county_code) as integer) as place_no
    from (
        select
            place_kind,
            place_id,
            county_code
        from {{ ref('int_af__places') }}
        union
        select
            'riket' as place_kind,
            '0000' as place_id,
            cast(null as varchar) as county_code
    ) as distinct_places
),

numbered_places as (
    select
        places.county_raw,
        places.municipality_raw,
        places.municipality_id,
        places.stated_county_code,
        place_numbers.place_no
    from {{ ref('int_af__places') }} as places
    inner join place_numbers
        on
            places.place_kind = place_numbers.place_kind
            and places.place_id = place_numbers.place_id
            and places.county_code is not distinct from place_numbers.county_code
),

markers as (
    select
        used.dataset,
        used.raw_text,
        meanings.missing_reason
    from (
        select distinct
            dataset,
            coalesce(raw_text, '') as raw_text
        from {{ ref('stg_af__jobseekers') }}
        where value is null and not is_masked
    ) as used
    inner join {{ ref('af_markers') }} as meanings
        on used.dataset = meanings.dataset and {{ af_name("used.raw_text") }} = meanings.raw_text
),

-- a municipality that has changed county has two rows: the one of the county that it lay in that month counts, if it is there
own_county_rows as (
    select distinct
        raw.fetch_id,
        raw.file_sha256,
        raw.table_name,
        raw.month,
        homes.municipality_id
    from {{ ref('stg_af__jobseekers') }} as raw
    inner join {{ ref('int_af__places') }} as places
        on raw.county_raw = places.county_raw and raw.municipality_raw = places.municipality_raw
    inner join {{ ref('af_place_counties') }} as homes
        on
            places.municipality_id = homes.municipality_id
            and places.stated_county_code = homes.county_code
            and raw.month between homes.first_month and coalesce(homes.last_month, date '9999-12-01')
),

typed as (
    select
        contents.content_no,
        case when contents.place_level = 'riket' then riket.place_no else places.place_no end as place_no,
        places.municipality_id,
        places.stated_county_code,
        columns.concept,
        columns.duration,
        raw.fetch_id,
        raw.file_sha256,
        raw.table_name,
        raw.month,
        coalesce(columns.gender, case when contents.has_gender then coalesce(genders.category, '?') else 'T' end)
            as gender,
        coalesce(columns.age_group, case when contents.has_age then coalesce(ages.category, '?') else 'total' end)
            as age_group,
        coalesce(
            columns.category,
            case contents.category_dimension
                when 'birth' then coalesce(births.category, '?')
                when 'education' then coalesce(educations.category, '?')
                else 'all'
            end
        ) as category,
        raw.value * columns.multiplier as value,
        raw.is_masked,
        case
            when raw.is_masked then coalesce(try_cast(regexp_extract(raw.raw_text, '[0-9]+') as integer), 1)
        end as mask_limit,
        raw.raw_text,
        case
            when raw.value is null and not raw.is_masked
                then coalesce(markers.missing_reason, 'not_reported')
        end as marker_reason
    from {{ ref('stg_af__jobseekers') }} as raw
    inner join contents
        on
            raw.fetch_id = contents.content_fetch_id
            and raw.file_sha256 = contents.file_sha256
            and raw.dataset = contents.dataset
            and raw.table_name = contents.table_name
    inner join {{ ref('af_columns') }} as columns
        on raw.dataset = columns.dataset and raw.measure_raw = columns.measure_raw
    cross join (
        select place_no
        from place_numbers
        where place_kind = 'riket' and place_id = '0000'
    ) as riket
    left join numbered_places as places
        on
            contents.place_level = 'municipality'
            and raw.county_raw = places.county_raw
            and raw.municipality_raw = places.municipality_raw
    left join {{ ref('int_af__names') }} as genders
        on genders.dimension = 'gender' and raw.gender_raw = genders.raw_name
    left join {{ ref('int_af__names') }} as ages on ages.dimension = 'age' and raw.age_raw = ages.raw_name
    left join {{ ref('int_af__names') }} as births on births.dimension = 'birth' and raw.birth_raw = births.raw_name
    left join {{ ref('int_af__names') }} as educations
        on educations.dimension = 'education' and raw.education_raw = educations.raw_name
    left join markers
        on raw.value is null and raw.dataset = markers.dataset and coalesce(raw.raw_text, '') = markers.raw_text
),

counted as (
    select
        typed.*,
        measures.measure_no
    from typed
    inner join measures
        on
            typed.concept = measures.concept
            and typed.duration = measures.duration
            and typed.category = measures.category
    left join {{ ref('af_place_counties') }} as homes
        on
            typed.municipality_id = homes.municipality_id
            and typed.stated_county_code = homes.county_code
            and typed.month between homes.first_month and coalesce(homes.last_month, date '9999-12-01')
    left join own_county_rows
        on
            typed.fetch_id = own_county_rows.fetch_id
            and typed.file_sha256 = own_county_rows.file_sha256
            and typed.table_name = own_county_rows.table_name
            and typed.month = own_county_rows.month
            and typed.municipality_id = own_county_rows.municipality_id
    where homes.municipality_id is not null or own_county_rows.municipality_id is null
),

-- grouped by numbers: the names of file, place and measure are long
grouped as (
    select
        content_no,
        place_no,
        measure_no,
        month,
        gender,
        age_group,
        cast(count(*) as integer) as n_rows,
        sum(value) as sum_value,
        max(value) as max_value,
        cast(count(mask_limit) as integer) as n_suppressed,
        max(mask_limit) as suppressed_below,
        min(marker_reason) as marker_reason,
        min(raw_text) as source_status
    from counted
    group by content_no, place_no, measure_no, month, gender, age_group
)

select
    contents.content_fetch_id as fetch_id,
    contents.file_sha256,
    contents.dataset,
    contents.table_name,
    contents.rank,
    measures.measure_id,
    measures.unit,
    places.place_kind,
    places.place_id,
    places.county_code,
    grouped.month,
    grouped.gender,
    grouped.age_group,
    contents.age_span_stated,
    grouped.n_rows,
    -- the same cell printed twice with different figures, where nothing is to be added up
    grouped.n_rows > 1 and not contents.adds_rows and places.place_kind = 'municipality'
    and coalesce(grouped.sum_value <> grouped.max_value * grouped.n_rows, false) as is_contradicted,
    grouped.n_suppressed,
    grouped.suppressed_below,
    grouped.marker_reason,
    grouped.source_status,
    case
        when contents.adds_rows or places.place_kind <> 'municipality' then grouped.sum_value
        else grouped.max_value
    end as known_value,
    grouped.n_suppressed * (grouped.suppressed_below - 1) as masked_up_to
from grouped
inner join contents on grouped.content_no = contents.content_no
inner join place_numbers as places on grouped.place_no = places.place_no
inner join measures on grouped.measure_no = measures.measure_no
