with parts as (
    select municipality_id, municipality, year, composition_id, category_id, share_pct
    from marts.participant_profile
    where composition_status in ('complete', 'sum_not_100')
    union all
    select municipality_id, municipality, year, composition_id, referral_source as category_id, share_pct
    from marts.referrals
    where composition_status in ('complete', 'sum_not_100') and not is_derived and composition_id is not null
),

pairs as (
    select
        one.year,
        one.composition_id,
        one.municipality_id,
        one.municipality,
        other.municipality_id as other_municipality_id,
        other.municipality as other_municipality,
        count(*) as n_parts,
        count(*) filter (where one.share_pct > 0) as n_parts_above_0,
        max(abs(one.share_pct - other.share_pct)) as largest_difference_pp
    from parts as one
    inner join parts as other
        on
            one.year = other.year
            and one.composition_id = other.composition_id
            and one.category_id = other.category_id
            and one.municipality_id < other.municipality_id
    group by all
)

select
    concat_ws(' ', municipality, '=', other_municipality, year, composition_id) as label,
    *,
    true as is_near_identical
from pairs
where n_parts >= 4 and n_parts_above_0 >= 3 and largest_difference_pp <= 1
order by all
