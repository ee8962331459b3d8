select
    costs.municipality_id || ' ' || costs.year as row_key,
    concat_ws(' ', costs.municipality, costs.year) as label,
    costs.municipality_id,
    'lmp_net_cost_per_inhabitant' as measure_id,
    costs.municipality,
    costs.year,
    costs.net_cost_sek_per_inhabitant,
    costs.gross_cost_sek_per_inhabitant,
    costs.net_cost_sek_per_participant,
    costs.missing_reason,
    costs.missing_inputs,
    (costs.net_cost_sek_per_participant is null) = (costs.missing_reason is not null) as value_or_reason,
    case when costs.participants >= 100 then costs.net_cost_sek_per_participant end as per_participant_large_base,
    costs.net_cost_sek_per_inhabitant - before.net_cost_sek_per_inhabitant as net_cost_change_sek
from marts.costs as costs
left join marts.costs as before
    on costs.municipality_id = before.municipality_id and costs.year = before.year + 1
order by all
