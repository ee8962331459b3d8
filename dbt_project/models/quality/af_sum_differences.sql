-- A masked figure is an interval, so that sums with masked parts are compared as intervals; a sum without an upper bound is not compared.
with cells as (
    select *
    from {{ ref('int_af__cells') }}
    where place_kind in ('municipality', 'riket') and is_observed and unit = 'persons'
),

genders as (
    select
        'gender' as kind,
        whole.measure_id,
        whole.place_id as area_id,
        whole.month,
        'T' as gender,
        whole.age_group,
        whole.lower_bound as expected_from,
        whole.upper_bound as expected_to,
        women.lower_bound + men.lower_bound as found_from,
        women.upper_bound + men.upper_bound as found_to,
        0.5 as tolerance
    from cells as whole
    inner join cells as women
        on
            whole.measure_id = women.measure_id
            and whole.place_id = women.place_id
            and whole.month = women.month
            and whole.age_group = women.age_group
            and women.gender = 'K'
    inner join cells as men
        on
            whole.measure_id = men.measure_id
            and whole.place_id = men.place_id
            and whole.month = men.month
            and whole.age_group = men.age_group
            and men.gender = 'M'
    -- the labour forces are means of 12 months and need not add up to the last digit
    where whole.gender = 'T' and whole.measure_id not like 'af_labour_force%'
),

areas as (
    select
        case when area_id = '0000' then 'riket' else 'county' end as kind,
        measure_id,
        area_id,
        month,
        gender,
        age_group,
        printed_value as expected_from,
        printed_value as expected_to,
        lower_bound as found_from,
        upper_bound as found_to,
        0.5 as tolerance
    from {{ ref('int_af__totals') }}
    where printed_value is not null
),

newest as (
    select
        records.measure_id,
        records.place_id,
        records.place_kind,
        records.month,
        records.gender,
        records.age_group,
        records.dataset,
        records.table_name,
        records.is_built,
        records.lower_bound,
        records.upper_bound
    from {{ ref('int_af__records') }} as records
    inner join {{ ref('int_af__releases') }} as releases
        on
            records.dataset = releases.dataset
            and records.table_name = releases.table_name
            and records.fetch_id = releases.content_fetch_id
            and records.file_sha256 = releases.file_sha256
    where records.place_kind = 'municipality'
    qualify
        releases.release_order = max(releases.release_order) over (
            partition by records.dataset, records.table_name
        )
),

-- the same cell in another table, or built from its parts, against the published one
tables as (
    select
        'table ' || newest.dataset || '/' || newest.table_name || case when newest.is_built then ' built' else '' end
            as kind,
        newest.measure_id,
        newest.place_id as area_id,
        newest.month,
        newest.gender,
        newest.age_group,
        published.lower_bound as expected_from,
        published.upper_bound as expected_to,
        newest.lower_bound as found_from,
        newest.upper_bound as found_to,
        case when published.unit = 'percent' then 0.051 else 0.5 end as tolerance
    from newest
    inner join {{ ref('int_af__cells') }} as published
        on
            newest.measure_id = published.measure_id
            and newest.place_kind = published.place_kind
            and newest.place_id = published.place_id
            and newest.month = published.month
            and newest.gender = published.gender
            and newest.age_group = published.age_group
),

compared as (
    select * from genders
    union all
    select * from areas
    union all
    select * from tables
)

select
    kind,
    measure_id,
    area_id,
    month,
    gender,
    age_group,
    expected_from,
    expected_to,
    {{ stable("found_from") }} as found_from,
    {{ stable("found_to") }} as found_to,
    {{ stable("case when found_from > expected_to then found_from - expected_to else found_to - expected_from end") }}
        as difference,
    {{ af_origin() }} as origin
from compared
where found_from > expected_to + tolerance or found_to < expected_from - tolerance
order by kind, measure_id, area_id, month, gender, age_group
