-- One row per row and column of figures of each file, names as printed. Which files count is decided by stg_af__files.
select
    fetch_id,
    file_sha256,
    dataset,
    sheet_or_cache as table_name,
    cast(period || '-01' as date) as month,
    coalesce(county_raw, '') as county_raw,
    coalesce(municipality_raw, '') as municipality_raw,
    coalesce(gender_raw, '') as gender_raw,
    coalesce(age_raw, '') as age_raw,
    coalesce(education_raw, '') as education_raw,
    coalesce(birth_raw, '') as birth_raw,
    measure_raw,
    value,
    raw_text,
    coalesce(is_masked, false) as is_masked,
    age_span
from {{ af_source('jobseekers') }}
