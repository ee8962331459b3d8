with comparable as (
    select
        catalogue.measure_id,
        catalogue.topic,
        catalogue.unit,
        polarity.worse_when
    from {{ ref('stg_kolada__catalogue') }} as catalogue
    left join {{ ref('measure_polarity') }} as polarity on catalogue.measure_id = polarity.measure_id
    where catalogue.unit in ('percent', 'sek_per_inhabitant', 'ratio', 'persons_per_km2', 'ordinal')
),

cells as (
    select *
    from {{ ref('int_measures__cells') }}
    where is_expected or is_observed
),

riket as (
    select
        measure_id,
        year,
        gender,
        value
    from cells
    where municipality_id = '0000' and value is not null
)

select
    cells.municipality_id,
    places.municipality,
    cells.year,
    cells.gender,
    cells.measure_id,
    comparable.topic,
    comparable.unit,
    cells.value,
    cells.missing_reason,
    riket.value as riket_value,
    case
        when comparable.unit not in ('percent', 'ordinal') then {{ stable("cells.value - riket.value") }}
    end as difference,
    case when comparable.unit = 'percent' then {{ stable("cells.value - riket.value") }} end as difference_pp,
    case
        when comparable.worse_when = 'higher' then cells.value > riket.value
        when comparable.worse_when = 'lower' then cells.value < riket.value
    end as is_worse
from cells
inner join comparable on cells.measure_id = comparable.measure_id
inner join riket
    on
        cells.measure_id = riket.measure_id
        and cells.year = riket.year
        and cells.gender = riket.gender
inner join {{ ref('stg_places') }} as places on cells.municipality_id = places.municipality_id
where places.type = 'K'
order by cells.measure_id asc, cells.municipality_id asc, cells.gender asc, cells.year asc
