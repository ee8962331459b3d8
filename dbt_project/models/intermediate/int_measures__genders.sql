-- The genders that a measure has: those in which the source has given records, else what the catalogue says.
with observed as (
    select distinct
        measure_id,
        gender
    from {{ ref('int_observations__versions') }}
),

declared as (
    select
        catalogue.measure_id,
        genders.gender
    from {{ ref('stg_kolada__catalogue') }} as catalogue
    cross join (
        select 'T' as gender
        union all
        select 'K' as gender
        union all
        select 'M' as gender
    ) as genders
    where genders.gender = 'T' or catalogue.is_divided_by_gender
)

select
    measure_id,
    gender
from observed
union all
select
    declared.measure_id,
    declared.gender
from declared
where
    not exists (
        select 1
        from observed
        where observed.measure_id = declared.measure_id
    )
