-- Every two members of the matched pairs and of the study's regions, side by side.
with members as (
    select
        cells.*,
        stg_groups.group_name,
        stg_groups.kind
    from {{ ref('int_groups__cells') }} as cells
    inner join {{ ref('stg_groups') }} as stg_groups on cells.group_id = stg_groups.group_id
    where stg_groups.kind in ('matched_pair', 'study_region') and cells.unit <> 'boolean'
)

select
    first_member.group_id,
    first_member.group_name,
    first_member.kind,
    first_member.measure_id,
    first_member.year,
    first_member.gender,
    first_member.unit,
    first_member.municipality_id as municipality_id_a,
    second_member.municipality_id as municipality_id_b,
    first_member.value as value_a,
    second_member.value as value_b,
    first_member.missing_reason as missing_reason_a,
    second_member.missing_reason as missing_reason_b,
    first_member.previous_value as previous_value_a,
    second_member.previous_value as previous_value_b,
    first_member.previous_missing_reason as previous_missing_reason_a,
    second_member.previous_missing_reason as previous_missing_reason_b
from members as first_member
inner join members as second_member
    on
        first_member.group_id = second_member.group_id
        and first_member.measure_id = second_member.measure_id
        and first_member.year = second_member.year
        and first_member.gender = second_member.gender
        and first_member.municipality_id < second_member.municipality_id
