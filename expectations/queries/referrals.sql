select
    municipality_id || ' ' || year || ' ' || referral_source as row_key,
    concat_ws(' ', municipality, year, referral_source) as label,
    municipality_id,
    municipality,
    year,
    referral_source,
    share_pct,
    case when not is_derived then share_pct end as reported_share_pct,
    missing_reason,
    (share_pct is null) = (missing_reason is not null) as value_or_reason,
    share_class,
    class_rule,
    class_year
from marts.referrals
order by all
