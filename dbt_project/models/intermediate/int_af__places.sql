-- Every pair of county and municipality name that a file has used, with what it means. A municipality is one of the closed list of 290
-- or a spelling in the seed af_place_names; anything else is an unknown name, never a guess.
with printed as (
    select distinct
        county_raw,
        municipality_raw
    from {{ ref('stg_af__jobseekers') }}
),

used as (
    select
        county_raw,
        municipality_raw,
        {{ af_name("county_raw") }} as county_key,
        {{ af_place_name("county_raw") }} as county_name_key,
        {{ af_place_name("municipality_raw") }} as municipality_key
    from printed
),

counties as (
    select distinct
        county_code,
        {{ af_name("county_name") }} as county_key
    from {{ ref('stg_places') }}
    where county_code is not null
),

municipalities as (
    select
        municipality_id,
        county_code,
        {{ af_name("municipality") }} as municipality_key
    from {{ ref('stg_places') }}
    where type = 'K'
),

resolved as (
    select
        used.county_raw,
        used.municipality_raw,
        used.municipality_key,
        counties.county_code as stated_county_code,
        used.county_key = '(blank)' as is_county_blank,
        coalesce(
            case when municipalities.municipality_id is not null then 'municipality' end,
            synonyms.place_kind,
            case when total_rows.county_code is not null then 'county' end,
            'unknown_name'
        ) as place_kind,
        coalesce(municipalities.municipality_id, synonyms.municipality_id) as municipality_id,
        coalesce(total_rows.county_code, counties.county_code) as county_code
    from used
    left join counties on used.county_name_key = counties.county_key
    left join counties as total_rows on used.municipality_key = total_rows.county_key
    left join municipalities on used.municipality_key = municipalities.municipality_key
    left join {{ ref('af_place_names') }} as synonyms on used.municipality_key = synonyms.raw_name
)

select
    resolved.county_raw,
    resolved.municipality_raw,
    resolved.stated_county_code,
    resolved.is_county_blank,
    case
        when resolved.place_kind = 'county' and resolved.county_code is null then 'unknown_name'
        else resolved.place_kind
    end as place_kind,
    case
        when resolved.place_kind = 'municipality' then resolved.municipality_id
    end as municipality_id,
    -- municipality id; '0000' riket; '00' and the code for a county; county code (or nothing) for the unplaced; the name itself when unknown
    case
        when resolved.place_kind = 'municipality' then resolved.municipality_id
        when resolved.place_kind = 'riket' then '0000'
        when resolved.place_kind = 'county' and resolved.county_code is not null then '00' || resolved.county_code
        when resolved.place_kind = 'unplaced' then coalesce(resolved.county_code, '')
        else resolved.municipality_key
    end as place_id,
    case
        when resolved.place_kind = 'municipality' then homes.county_code
        when resolved.place_kind = 'riket' then null
        else resolved.county_code
    end as county_code,
    homes.county_code as home_county_code
from resolved
left join municipalities as homes on resolved.municipality_id = homes.municipality_id
