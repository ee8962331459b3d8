with sexes as (
    select municipality_id, year, sum(participants) as women_and_men
    from marts.participants
    where gender in ('K', 'M') and participants is not null
    group by municipality_id, year
    having count(*) = 2
)

select
    participants.municipality_id || ' ' || participants.year || ' ' || participants.gender as row_key,
    concat_ws(' ', participants.municipality, participants.year, participants.gender) as label,
    participants.municipality_id,
    'ame_participants_total' as measure_id,
    participants.municipality,
    participants.year,
    participants.gender,
    participants.participants,
    participants.missing_reason,
    (participants.participants is null) = (participants.missing_reason is not null) as value_or_reason,
    case when participants.gender = 'T' then participants.participants - sexes.women_and_men end as sex_difference,
    participants.share_of_population_pct,
    participants.change_persons,
    participants.change_pct,
    case when not participants.is_small_base then participants.change_pct end as change_pct_large_base
from marts.participants as participants
left join sexes on participants.municipality_id = sexes.municipality_id and participants.year = sexes.year
order by all
