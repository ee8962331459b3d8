-- Every version of every cell of AF's files, with the same rules as for Kolada: a file that says the same again adds none; a changed
-- figure opens one; a cell that a newer file of the same table no longer has is withdrawn. Where several tables hold a cell, the one
-- with the lowest rank gives its history.
with published_from as (
    select
        fetch_id,
        file_sha256,
        {{ af_cell() }},
        county_code,
        rank,
        age_span_stated,
        value,
        missing_reason,
        n_suppressed,
        suppressed_below,
        lower_bound,
        upper_bound,
        source_status
    from {{ ref('int_af__records') }}
    qualify
        dense_rank() over (
            partition by measure_id, place_kind, place_id, month, gender, age_group
            order by rank, dataset, table_name, is_built
        ) = 1
),

asserted as (
    select
        published_from.*,
        releases.release_order,
        releases.fetch_id as release_fetch_id,
        releases.fetched_at,
        releases.vintage
    from published_from
    inner join {{ ref('int_af__releases') }} as releases
        on
            published_from.dataset = releases.dataset
            and published_from.table_name = releases.table_name
            and published_from.fetch_id = releases.content_fetch_id
            and published_from.file_sha256 = releases.file_sha256
),

followed as (
    select
        *,
        lead(release_order) over (partition by {{ af_cell() }} order by release_order) as next_order
    from asserted
),

assertions as (
    select
        {{ af_cell() }},
        county_code,
        age_span_stated,
        release_order,
        release_fetch_id as fetch_id,
        fetched_at,
        vintage,
        value,
        missing_reason,
        n_suppressed,
        suppressed_below,
        lower_bound,
        upper_bound,
        source_status
    from asserted
    union all
    select
        {{ af_cell("followed") }},
        followed.county_code,
        followed.age_span_stated,
        releases.release_order,
        releases.fetch_id,
        releases.fetched_at,
        releases.vintage,
        cast(null as double) as value,
        'withdrawn' as missing_reason,
        0 as n_suppressed,
        cast(null as integer) as suppressed_below,
        cast(null as double) as lower_bound,
        cast(null as double) as upper_bound,
        cast(null as varchar) as source_status
    from followed
    inner join {{ ref('int_af__releases') }} as releases
        on
            followed.dataset = releases.dataset
            and followed.table_name = releases.table_name
            and followed.release_order + 1 = releases.release_order
    where followed.next_order is null or followed.next_order > releases.release_order
),

-- of several files with the same time of knowledge (the sample read again) the last one counts
latest as (
    select *
    from assertions
    qualify row_number() over (partition by {{ af_cell() }}, fetched_at order by release_order desc) = 1
),

reasoned as (
    select
        *,
        case
            when missing_reason = 'not_reported' and bool_or(value is not null) over earlier then 'withdrawn'
            else missing_reason
        end as reason
    from latest
    window earlier as (
        partition by {{ af_cell() }} order by release_order rows between unbounded preceding and 1 preceding
    )
),

compared as (
    select
        *,
        row_number() over cell as assertion_number,
        lag(value) over cell as previous_value,
        lag(reason) over cell as previous_reason,
        lag(lower_bound) over cell as previous_lower,
        lag(upper_bound) over cell as previous_upper
    from reasoned
    window cell as (partition by {{ af_cell() }} order by release_order)
),

changed as (
    select *
    from compared
    where
        assertion_number = 1
        or value is distinct from previous_value
        or reason is distinct from previous_reason
        or lower_bound is distinct from previous_lower
        or upper_bound is distinct from previous_upper
)

select
    'arbetsformedlingen' as source,
    dataset,
    table_name,
    is_built,
    measure_id,
    place_kind,
    place_id,
    county_code,
    month,
    strftime(month, '%Y-%m') as period,
    gender,
    age_group,
    fetched_at as valid_from,
    lead(fetched_at) over (partition by {{ af_cell() }} order by release_order) as valid_to,
    value,
    reason as missing_reason,
    n_suppressed > 0 as contains_suppressed,
    suppressed_below,
    lower_bound,
    upper_bound,
    source_status,
    age_span_stated,
    fetched_at,
    fetch_id,
    vintage
from changed
