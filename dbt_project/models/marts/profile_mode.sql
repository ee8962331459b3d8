with cells as (
    select
        *,
        max(share_pct) over (partition by composition_id, municipality_id, year) as highest_share_pct,
        row_number() over (
            partition by composition_id, municipality_id, year
            order by case when missing_reason is null then 1 else 0 end asc, category_id asc
        ) as reason_number
    from {{ ref('int_compositions__cells') }}
    where gender = 'T' and topic in ('age', 'education', 'time_without_work', 'enrolment_length')
),

modes as (
    select
        composition_id,
        municipality_id,
        year,
        max(highest_share_pct) as highest_share_pct,
        {{ id_list("category_id", "share_pct = highest_share_pct") }} as modal_category_ids,
        sum(case when share_pct = highest_share_pct then 1 else 0 end) as n_modal,
        max(case when reason_number = 1 then missing_reason end) as first_reason
    from cells
    group by composition_id, municipality_id, year
),

judged as (
    select
        modes.*,
        status.topic,
        status.composition_status,
        status.n_with_value = status.n_categories as has_all_values
    from modes
    inner join {{ ref('int_compositions__status') }} as status
        on
            modes.composition_id = status.composition_id
            and modes.municipality_id = status.municipality_id
            and modes.year = status.year
            and status.gender = 'T'
)

select
    judged.municipality_id,
    places.municipality,
    judged.year,
    judged.topic,
    judged.composition_id,
    judged.composition_status,
    case when judged.has_all_values then judged.modal_category_ids end as modal_category_ids,
    case when judged.has_all_values then judged.highest_share_pct end as modal_share_pct,
    cast(case when judged.has_all_values then judged.n_modal end as integer) as n_modal,
    case when not judged.has_all_values then coalesce(judged.first_reason, 'not_loaded') end as missing_reason
from judged
left join {{ ref('stg_places') }} as places on judged.municipality_id = places.municipality_id
order by judged.municipality_id asc, judged.year asc, judged.composition_id asc
