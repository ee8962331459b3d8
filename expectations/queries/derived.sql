with changes as (
    select
        'change' as kind,
        later.municipality_id,
        later.municipality,
        later.year,
        later.gender,
        'ame_participants_total' as measure_id,
        'change_persons, change_pct' as figure,
        later.participants - base.participants as expected_value,
        later.change_persons as found_value,
        later.change_persons is distinct from later.participants - base.participants
        or abs(later.change_pct - (later.participants - base.participants) * 100 / nullif(base.participants, 0)) > 0.00001
            as is_different
    from marts.participants as later
    inner join marts.participants as base
        on
            later.municipality_id = base.municipality_id
            and later.gender = base.gender
            and later.year = base.year + 1
    union all
    select
        'change' as kind,
        municipality_id,
        municipality,
        year,
        gender,
        'ame_participants_total' as measure_id,
        'change_persons since ' || base_year as figure,
        participants - base_participants as expected_value,
        change_persons as found_value,
        change_persons is distinct from participants - base_participants
        or abs(change_pct - (participants - base_participants) * 100 / nullif(base_participants, 0)) > 0.00001
            as is_different
    from marts.participant_changes
),

shares as (
    select
        'share' as kind,
        municipality_id,
        municipality,
        year,
        gender,
        'ame_participants_total' as measure_id,
        'share_of_population_pct' as figure,
        participants * 100 / nullif(population, 0) as expected_value,
        share_of_population_pct as found_value,
        abs(share_of_population_pct - participants * 100 / nullif(population, 0)) > 0.00001
        or (share_of_population_pct is null) <> (participants * 100 / nullif(population, 0) is null) as is_different
    from marts.participants
),

costs as (
    select
        'cost' as kind,
        municipality_id,
        municipality,
        year,
        'T' as gender,
        'lmp_net_cost_per_inhabitant' as measure_id,
        'net_cost_sek_per_participant' as figure,
        net_cost_sek_per_inhabitant * population / nullif(participants, 0) as expected_value,
        net_cost_sek_per_participant as found_value,
        abs(net_cost_sek_per_participant - net_cost_sek_per_inhabitant * population / nullif(participants, 0)) > 0.01
        or (net_cost_sek_per_participant is null)
        <> (net_cost_sek_per_inhabitant * population / nullif(participants, 0) is null) as is_different
    from marts.costs
),

figures as (
    select * from changes
    union all
    select * from shares
    union all
    select * from costs
)

select
    concat_ws(' ', municipality, year, gender, figure) as label,
    kind,
    municipality_id,
    municipality,
    year,
    gender,
    measure_id,
    figure,
    coalesce(round(expected_value, 6)::varchar, 'empty') as expected,
    coalesce(round(found_value, 6)::varchar, 'empty') as found
from figures
where is_different
order by all
