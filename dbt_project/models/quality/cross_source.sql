with paired as (
    select
        pairs.pair_id,
        pairs.ratio_low,
        pairs.ratio_high,
        pairs.correlation_low,
        pairs.min_municipalities,
        yearly.municipality_id,
        yearly.year,
        yearly.mean_value as af_value,
        cells.value as kolada_value
    from {{ ref('af_cross_source') }} as pairs
    inner join {{ ref('int_af__yearly') }} as yearly
        on
            pairs.af_measure_id = yearly.measure_id
            and pairs.age_group = yearly.age_group
            and pairs.gender = yearly.gender
            and pairs.first_year <= yearly.year
            and (pairs.last_year is null or pairs.last_year >= yearly.year)
    inner join {{ ref('int_measures__cells') }} as cells
        on
            pairs.kolada_measure_id = cells.measure_id
            and yearly.municipality_id = cells.municipality_id
            and yearly.year = cells.year
            and pairs.gender = cells.gender
    inner join {{ ref('stg_places') }} as places
        on yearly.municipality_id = places.municipality_id and places.type = 'K'
    where yearly.mean_value is not null and cells.value is not null
),

correlated as (
    select
        pair_id,
        year,
        count(*) as n_municipalities,
        case
            when count(*) >= min(min_municipalities) then {{ stable("corr(af_value, kolada_value)") }}
        end as correlation
    from paired
    group by pair_id, year
),

judged as (
    select
        paired.*,
        correlated.n_municipalities,
        correlated.correlation,
        paired.af_value / nullif(paired.kolada_value, 0) as ratio
    from paired
    inner join correlated on paired.pair_id = correlated.pair_id and paired.year = correlated.year
)

select
    judged.pair_id,
    judged.municipality_id,
    places.municipality,
    judged.year,
    pairs.af_measure_id,
    pairs.kolada_measure_id,
    judged.af_value,
    judged.kolada_value,
    {{ stable("judged.ratio") }} as ratio,
    judged.ratio_low,
    judged.ratio_high,
    coalesce(judged.ratio not between judged.ratio_low and judged.ratio_high, judged.af_value <> 0) as is_outside_band,
    cast(judged.n_municipalities as integer) as n_municipalities,
    judged.correlation,
    judged.correlation_low,
    coalesce(judged.correlation < judged.correlation_low, false) as is_correlation_low,
    -- nothing can be concluded from synthetic figures
    {{ af_origin() }} = 'af' as is_checked,
    pairs.note,
    {{ af_origin() }} as origin
from judged
inner join {{ ref('af_cross_source') }} as pairs on judged.pair_id = pairs.pair_id
inner join {{ ref('stg_places') }} as places on judged.municipality_id = places.municipality_id
order by judged.pair_id, judged.year, judged.municipality_id
