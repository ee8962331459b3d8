-- The figures of each file in our own terms: measure, place, month, gender and age group. Rows of one cell are added up where the table
-- has further dimensions. '?' stands for a spelling that the checked list does not have; such rows are in no published cell.
with contents as (
    select distinct
        content_fetch_id,
        file_sha256,
        dataset
    from {{ ref('int_af__releases') }}
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
        raw.fetch_id,
        raw.file_sha256,
        raw.dataset,
        raw.table_name,
        raw.age_span as age_span_stated,
        tables.rank,
        tables.adds_rows,
        columns.concept,
        columns.duration,
        case when tables.place_level = 'riket' then 'riket' else places.place_kind end as place_kind,
        case when tables.place_level = 'riket' then '0000' else places.place_id end as place_id,
        places.municipality_id,
        places.county_code,
        places.stated_county_code,
        raw.month,
        coalesce(columns.gender, case when tables.has_gender then coalesce(genders.category, '?') else 'T' end)
            as gender,
        coalesce(columns.age_group, case when tables.has_age then coalesce(ages.category, '?') else 'total' end)
            as age_group,
        coalesce(
            columns.category,
            case tables.category_dimension
                when 'birth' then coalesce(births.category, '?')
                when 'education' then coalesce(educations.category, '?')
                else 'all'
            end
        ) as category,
        raw.value * columns.multiplier as value,
        raw.is_masked,
        try_cast(regexp_extract(raw.raw_text, '[0-9]+') as integer) as mask_limit,
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
    inner join {{ ref('af_tables') }} as tables
        on raw.dataset = tables.dataset and raw.table_name = tables.table_name
    inner join {{ ref('af_columns') }} as columns
        on raw.dataset = columns.dataset and raw.measure_raw = columns.measure_raw
    left join {{ ref('int_af__places') }} as places
        on
            tables.place_level = 'municipality'
            and raw.county_raw = places.county_raw
            and raw.municipality_raw = places.municipality_raw
    left join {{ ref('int_af__names') }} as genders
        on genders.dimension = 'gender' and raw.gender_raw = genders.raw_name
    left join {{ ref('int_af__names') }} as ages on ages.dimension = 'age' and raw.age_raw = ages.raw_name
    left join {{ ref('int_af__names') }} as births on births.dimension = 'birth' and raw.birth_raw = births.raw_name
    left join {{ ref('int_af__names') }} as educations
        on educations.dimension = 'education' and raw.education_raw = educations.raw_name
    left join {{ ref('af_markers') }} as markers
        on raw.dataset = markers.dataset and {{ af_name("raw.raw_text") }} = markers.raw_text
),

counted as (
    select typed.*
    from typed
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
)

select
    counted.fetch_id,
    counted.file_sha256,
    counted.dataset,
    counted.table_name,
    counted.rank,
    measures.measure_id,
    measures.unit,
    counted.place_kind,
    counted.place_id,
    counted.county_code,
    counted.month,
    counted.gender,
    counted.age_group,
    min(counted.age_span_stated) as age_span_stated,
    count(*) as n_rows,
    -- the same cell printed twice with different figures, where nothing is to be added up
    count(*) > 1 and not bool_or(counted.adds_rows) and min(counted.place_kind) = 'municipality'
    and (count(distinct counted.value) > 1 or count(counted.value) < count(*)) as is_contradicted,
    count(*) filter (where counted.is_masked) as n_suppressed,
    max(counted.mask_limit) filter (where counted.is_masked) as suppressed_below,
    min(counted.marker_reason) as marker_reason,
    min(counted.raw_text) as source_status,
    case
        when bool_or(counted.adds_rows) or min(counted.place_kind) <> 'municipality'
            then sum(counted.value)
        else min(counted.value)
    end as known_value,
    sum(coalesce(counted.mask_limit, 1) - 1) filter (where counted.is_masked) as masked_up_to
from counted
inner join {{ ref('stg_af__measures') }} as measures
    on
        counted.concept = measures.concept
        and counted.duration = measures.duration
        and counted.category = measures.category
group by
    counted.fetch_id,
    counted.file_sha256,
    counted.dataset,
    counted.table_name,
    counted.rank,
    measures.measure_id,
    measures.unit,
    counted.place_kind,
    counted.place_id,
    counted.county_code,
    counted.month,
    counted.gender,
    counted.age_group
