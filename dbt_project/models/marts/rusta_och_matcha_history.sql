with weighed as (
    select
        agreements.*,
        (
            (agreements.rr1_a + agreements.rr2_a) * agreements.weight_a
            + (agreements.rr1_b + agreements.rr2_b) * agreements.weight_b
            + (agreements.rr1_c + agreements.rr2_c) * agreements.weight_c
        )
        / nullif(2.0 * (agreements.participants_a + agreements.participants_b + agreements.participants_c), 0)
            as recomputed
    from {{ ref('int_af__agreements') }} as agreements
)

select
    weighed.period,
    weighed.delivery_area,
    weighed.provider_id,
    weighed.valid_from,
    weighed.valid_to,
    weighed.provider_name,
    weighed.contract_start,
    weighed.is_active_22_months,
    weighed.participants,
    case
        when weighed.is_withdrawn then 'withdrawn'
        when weighed.participants is null then 'not_reported'
    end as missing_reason,
    {% for level in ["a", "b", "c"] %}
        weighed.participants_{{ level }},
        weighed.rr1_{{ level }},
        weighed.rr2_{{ level }},
        weighed.weight_{{ level }},
        {{ stable("(weighed.rr1_" ~ level ~ " + weighed.rr2_" ~ level ~ ") * 100.0 / nullif(2.0 * weighed.participants_"
            ~ level ~ ", 0)") }} as result_{{ level }}_pct,
    {% endfor %}
    weighed.weighted_result,
    case
        when weighed.is_withdrawn then 'withdrawn'
        when weighed.weighted_result is null then 'not_reported'
    end as weighted_result_missing_reason,
    {{ stable("weighed.recomputed") }} as weighted_result_recomputed,
    {{ stable("weighed.weighted_result - weighed.recomputed") }} as weighted_result_difference,
    weighed.rating,
    case
        when weighed.is_withdrawn then 'withdrawn'
        when weighed.rating is null then coalesce(markers.missing_reason, 'not_reported')
    end as rating_missing_reason,
    weighed.rating_raw,
    weighed.is_rating_1_or_none,
    weighed.is_below_0_2,
    weighed.is_risk_of_termination,
    weighed.participants < {{ var("rom_small_base_participants") }} as is_small_base,
    weighed.follow_up_from_months,
    weighed.follow_up_to_months,
    weighed.fetched_at,
    weighed.fetch_id,
    weighed.vintage,
    {{ af_origin() }} as origin
from weighed
left join {{ ref('af_markers') }} as markers
    on markers.dataset = 'rusta_och_matcha' and {{ af_name("weighed.rating_raw") }} = markers.raw_text
order by weighed.period, weighed.delivery_area, weighed.provider_id, weighed.valid_from
