with areas as (
    select
        cells.place_id as area_id,
        cells.month,
        cells.value as jobseekers,
        cells.missing_reason
    from {{ ref('int_af__cells') }} as cells
    where
        cells.measure_id = 'af_jobseekers'
        and cells.gender = 'T'
        and cells.age_group = 'total'
        and cells.place_kind = 'municipality'
    union all
    -- a printed figure of the county or the country comes before a sum
    select
        totals.area_id,
        totals.month,
        coalesce(totals.printed_value, totals.value) as jobseekers,
        case when totals.printed_value is null then totals.missing_reason end as missing_reason
    from {{ ref('int_af__totals') }} as totals
    where totals.measure_id = 'af_jobseekers' and totals.gender = 'T' and totals.age_group = 'total'
),

land as (
    select
        municipality_id,
        value as land_area_km2
    from {{ ref('int_measures__cells') }}
    where measure_id = 'land_area_km2' and gender = 'T' and value is not null
    qualify row_number() over (partition by municipality_id order by year desc) = 1
),

-- land of a county: its region in Kolada is another place, so its municipalities are added up when all are known
county_land as (
    select
        '00' || places.county_code as area_id,
        case when count(land.land_area_km2) = count(*) then sum(land.land_area_km2) end as land_area_km2
    from {{ ref('stg_places') }} as places
    left join land on places.municipality_id = land.municipality_id
    where places.type = 'K'
    group by places.county_code
    union all
    select
        '0000' as area_id,
        case when count(land.land_area_km2) = count(*) then sum(land.land_area_km2) end as land_area_km2
    from {{ ref('stg_places') }} as places
    left join land on places.municipality_id = land.municipality_id
    where places.type = 'K'
),

measured as (
    select
        areas.area_id,
        coalesce(case when places.type = 'L' then places.county_name end, places.municipality) as area,
        case
            when areas.area_id = '0000' then 'riket'
            when places.type = 'L' then 'county'
            else 'municipality'
        end as area_kind,
        places.county_code,
        areas.month,
        areas.jobseekers,
        areas.missing_reason as jobseekers_missing_reason,
        coalesce(county_land.land_area_km2, land.land_area_km2) as land_area_km2
    from areas
    inner join {{ ref('stg_places') }} as places on areas.area_id = places.municipality_id
    left join county_land on areas.area_id = county_land.area_id
    left join land on areas.area_id = land.municipality_id and places.type = 'K'
),

compared as (
    select
        measured.*,
        measured.jobseekers / nullif(measured.land_area_km2, 0) as density,
        riket.jobseekers / nullif(riket.land_area_km2, 0) as riket_density,
        county.jobseekers as county_jobseekers,
        county.jobseekers_missing_reason as county_missing_reason,
        -- the main municipality: most jobseekers in the county that month, the lowest id on ties
        case
            when measured.area_kind = 'municipality'
                then coalesce(
                    measured.jobseekers is not null
                    and row_number() over (
                        partition by measured.area_kind, measured.county_code, measured.month
                        order by measured.jobseekers desc nulls last, measured.area_id asc
                    ) = 1,
                    false
                )
        end as is_main_municipality
    from measured
    left join measured as riket on riket.area_id = '0000' and measured.month = riket.month
    left join measured as county
        on
            county.area_kind = 'county'
            and measured.area_kind = 'municipality'
            and measured.county_code = county.county_code
            and measured.month = county.month
)

select
    area_id,
    area,
    area_kind,
    county_code,
    month,
    jobseekers,
    jobseekers_missing_reason,
    land_area_km2,
    {{ stable("density") }} as jobseekers_per_km2,
    case when density is null then coalesce(jobseekers_missing_reason, 'not_loaded') end as density_missing_reason,
    case
        when density is null or riket_density is null then null
        when density < riket_density / 2.0 then 'sparse'
        else 'not_sparse'
    end as density_class,
    {{ stable("riket_density") }} as riket_jobseekers_per_km2,
    {{ stable("jobseekers * 100.0 / nullif(county_jobseekers, 0)") }} as share_of_county_pct,
    case
        when area_kind <> 'municipality' then 'not_applicable'
        when jobseekers is null then jobseekers_missing_reason
        when county_jobseekers is null then coalesce(county_missing_reason, 'not_loaded')
        when county_jobseekers = 0 then 'not_applicable'
    end as share_missing_reason,
    is_main_municipality,
    {{ af_origin() }} as origin
from compared
order by area_id, month
