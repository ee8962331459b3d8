select
    municipality_id || ' ' || year || ' ' || composition_id || ' ' || category_id as row_key,
    concat_ws(' ', municipality, year, category_id) as label,
    municipality_id,
    municipality,
    year,
    composition_id,
    category_id,
    share_pct,
    missing_reason,
    (share_pct is null) = (missing_reason is not null) as value_or_reason,
    fallback_reason,
    value_year,
    comparison_share_pct,
    (comparison_share_pct is null) = (value_year is null) as comparison_is_whole,
    case when category_id in ('unknown', 'not_validated') then share_pct end as unknown_share_pct
from marts.participant_profile
order by all
