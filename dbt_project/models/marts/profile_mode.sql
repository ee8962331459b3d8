with numbered as (
    select
        *,
        max(share_pct) over (partition by composition_id, municipality_id, year) as highest_share_pct,
        row_number() over (
            partition by composition_id, municipality_id, year
            order by case when missing_reason is null then 1 else 0 end asc, category_id asc
        ) as reason_number
    from {{ ref('int_compositions__shares') }}
    where gender = 'T' and topic in ('age', 'education', 'time_without_work', 'enrolment_length')
),

modes as (
    select
        composition_id,
        topic,
        municipality_id,
        year,
        max(highest_share_pct) as highest_share_pct,
        {{ id_list("category_id", "share_pct = highest_share_pct") }} as modal_category_ids,
        sum(case when share_pct = highest_share_pct then 1 else 0 end) as n_modal,
        max(case when reason_number = 1 then missing_reason end) as missing_reason
    from numbered
    group by composition_id, topic, municipality_id, year
)

select
    modes.municipality_id,
    places.municipality,
    modes.year,
    modes.topic,
    modes.composition_id,
    status.composition_status,
    case when modes.missing_reason is null then modes.modal_category_ids end as modal_category_ids,
    case when modes.missing_reason is null then modes.highest_share_pct end as modal_share_pct,
    cast(case when modes.missing_reason is null then modes.n_modal end as integer) as n_modal,
    modes.missing_reason
from modes
inner join {{ ref('int_compositions__status') }} as status
    on
        modes.composition_id = status.composition_id
        and modes.municipality_id = status.municipality_id
        and modes.year = status.year
        and status.gender = 'T'
left join {{ ref('stg_places') }} as places on modes.municipality_id = places.municipality_id
order by modes.municipality_id asc, modes.year asc, modes.composition_id asc
