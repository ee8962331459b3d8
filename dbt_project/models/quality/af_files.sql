select
    dataset,
    file_name,
    period_last,
    outcome,
    error,
    is_stale,
    fetched_at,
    fetch_id,
    max(fetched_at) filter (where is_usable) over (partition by dataset) as last_usable_at,
    max(period_last) filter (where is_usable) over (partition by dataset) as last_usable_period,
    {{ af_origin() }} as origin
from {{ ref('stg_af__files') }}
qualify
    row_number() over (
        partition by dataset order by fetched_at desc, retrieved_at desc, fetch_id desc, period_last desc nulls last
    ) = 1
order by dataset
