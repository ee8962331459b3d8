with parts as (
    select municipality_id, municipality, year, composition_id, share_pct, composition_sum_pct, composition_status
    from marts.participant_profile
    union all
    select municipality_id, municipality, year, composition_id, share_pct, composition_sum_pct, composition_status
    from marts.referrals
    where not is_derived
)

select
    concat_ws(' ', municipality, year, composition_id) as label,
    municipality_id,
    municipality,
    year,
    composition_id,
    composition_status,
    case when composition_status = 'sum_not_100' then round(composition_sum_pct, 1) || ' %' end as sum_not_100,
    composition_sum_pct,
    count(*) as n_parts,
    count(share_pct) as n_reported,
    case when count(*) = count(share_pct) then sum(share_pct) - composition_sum_pct end as sum_difference
from parts
where composition_id is not null
group by municipality_id, municipality, year, composition_id, composition_status, composition_sum_pct
order by all
