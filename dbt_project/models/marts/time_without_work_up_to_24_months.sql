-- 0–24 months is the sum of two classes, from 2024 of three: every class of the composition below 24 months.
with numbered as (
    select
        *,
        row_number() over (
            partition by composition_id, municipality_id, year
            order by case when missing_reason is null then 1 else 0 end asc, category_id asc
        ) as reason_number
    from {{ ref('int_compositions__shares') }}
    where topic = 'time_without_work' and gender = 'T' and category_id not in ('gt_24m', 'unknown')
),

summed as (
    select
        municipality_id,
        year,
        composition_id,
        sum(share_pct) as share_pct,
        {{ id_list("category_id", "true") }} as category_ids,
        max(case when reason_number = 1 then missing_reason end) as missing_reason
    from numbered
    group by municipality_id, year, composition_id
)

select
    summed.municipality_id,
    places.municipality,
    summed.year,
    summed.composition_id,
    summed.category_ids,
    case when summed.missing_reason is null then {{ stable("summed.share_pct") }} end as share_pct,
    summed.missing_reason
from summed
left join {{ ref('stg_places') }} as places on summed.municipality_id = places.municipality_id
order by summed.municipality_id asc, summed.year asc, summed.composition_id asc
