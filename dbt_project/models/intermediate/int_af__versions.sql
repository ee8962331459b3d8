{{ config(
    pre_hook=[af_join_as_written(), "set preserve_insertion_order = false"],
    post_hook=["reset disabled_optimizers", "set preserve_insertion_order = true"],
) }}
-- Every version of every cell of AF's files, with the same rules as for Kolada: a file that says the same again adds none; a changed
-- figure opens one; a cell that a newer file of the same table no longer has is withdrawn. Where several tables hold a cell, the one
-- with the lowest rank gives its history.
-- Nearly all cells of a file are what they were in the file before: one count over 64-bit keys finds them, and only the others are
-- followed release by release. (Among ten million cells two share a key once in 400 000 builds.)
with releases as (
    select
        *,
        -- of several files with the same time of knowledge (the sample read again) the last one counts
        max(release_order) over (partition by dataset, table_name, fetched_at) as counting_order
    from {{ ref('int_af__releases') }}
),

contents as (
    select distinct
        fetch_id,
        file_sha256,
        dataset,
        table_name,
        rank,
        is_built
    from {{ ref('int_af__records') }}
),

sources as (
    select
        releases.*,
        contents.rank,
        contents.is_built,
        dense_rank() over (order by contents.rank, contents.dataset, contents.table_name, contents.is_built)
            as series_no,
        max(releases.release_order) over (partition by releases.dataset, releases.table_name) as last_order,
        min(releases.counting_order) over (partition by releases.dataset, releases.table_name) as first_counting
    from contents
    inner join releases
        on
            contents.dataset = releases.dataset
            and contents.table_name = releases.table_name
            and contents.fetch_id = releases.content_fetch_id
            and contents.file_sha256 = releases.file_sha256
),

stated as (
    select
        {{ af_cell_key("records") }} as cell_key,
        sources.series_no,
        sources.release_order,
        sources.counting_order,
        hash(records.value, records.missing_reason, records.lower_bound, records.upper_bound) as state
    from {{ ref('int_af__records') }} as records
    inner join sources
        on
            records.fetch_id = sources.content_fetch_id
            and records.file_sha256 = sources.file_sha256
            and records.dataset = sources.dataset
            and records.table_name = sources.table_name
            and records.rank = sources.rank
            and records.is_built = sources.is_built
),

counted as (
    select
        cell_key,
        series_no,
        min(counting_order) as counting_order,
        max(release_order) - min(release_order) + 1 = count(*) and min(state) = max(state) as is_constant,
        max(release_order) as last_order
    from stated
    group by cell_key, series_no
),

-- what is not simply "said by the first file of its table and by all later ones, and by no table with a lower rank"
exceptions as materialized (
    select
        ranked.cell_key,
        ranked.series_no,
        ranked.counting_order,
        case
            when ranked.series_no > ranked.first_series then 'other_table'
            when ranked.is_constant and ranked.last_order = series.last_order then 'later_file'
            else 'followed'
        end as kind
    from (
        select
            *,
            min(series_no) over (partition by cell_key) as first_series
        from counted
    ) as ranked
    inner join (
        select distinct
            series_no,
            last_order,
            first_counting
        from sources
    ) as series on ranked.series_no = series.series_no
    where
        ranked.series_no > ranked.first_series
        or not ranked.is_constant
        or ranked.last_order < series.last_order
        or ranked.counting_order > series.first_counting
),

asserted as (
    select
        {{ af_cell("records") }},
        records.county_code,
        records.age_span_stated,
        records.value,
        records.missing_reason,
        records.n_suppressed,
        records.suppressed_below,
        records.lower_bound,
        records.upper_bound,
        records.source_status,
        sources.series_no,
        sources.release_order,
        sources.release_order = sources.first_counting as is_first,
        sources.fetch_id,
        sources.fetched_at,
        sources.vintage,
        {{ af_cell_key("records") }} as cell_key
    from {{ ref('int_af__records') }} as records
    inner join sources
        on
            records.fetch_id = sources.content_fetch_id
            and records.file_sha256 = sources.file_sha256
            and records.dataset = sources.dataset
            and records.table_name = sources.table_name
            and records.rank = sources.rank
            and records.is_built = sources.is_built
),

constant as (
    select asserted.*
    from asserted
    left join exceptions on asserted.cell_key = exceptions.cell_key and asserted.series_no = exceptions.series_no
    where
        case
            when exceptions.kind is null then asserted.is_first
            else exceptions.kind = 'later_file' and asserted.release_order = exceptions.counting_order
        end
),

followed as (
    select
        asserted.*,
        lead(asserted.release_order) over (partition by {{ af_cell("asserted") }} order by asserted.release_order)
            as next_order
    from asserted
    inner join exceptions on asserted.cell_key = exceptions.cell_key and asserted.series_no = exceptions.series_no
    where exceptions.kind = 'followed'
),

assertions as (
    select
        {{ af_cell() }},
        county_code,
        age_span_stated,
        release_order,
        fetch_id,
        fetched_at,
        vintage,
        value,
        missing_reason,
        n_suppressed,
        suppressed_below,
        lower_bound,
        upper_bound,
        source_status
    from followed
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
    inner join releases
        on
            followed.dataset = releases.dataset
            and followed.table_name = releases.table_name
            and followed.release_order + 1 = releases.release_order
    where followed.next_order is null or followed.next_order > releases.release_order
),

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
),

versions as (
    select
        {{ af_cell() }},
        county_code,
        age_span_stated,
        fetched_at,
        lead(fetched_at) over (partition by {{ af_cell() }} order by release_order) as valid_to,
        fetch_id,
        vintage,
        value,
        reason as missing_reason,
        n_suppressed,
        suppressed_below,
        lower_bound,
        upper_bound,
        source_status
    from changed
    union all
    select
        {{ af_cell() }},
        county_code,
        age_span_stated,
        fetched_at,
        cast(null as timestamp) as valid_to,
        fetch_id,
        vintage,
        value,
        missing_reason,
        n_suppressed,
        suppressed_below,
        lower_bound,
        upper_bound,
        source_status
    from constant
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
    valid_to,
    value,
    missing_reason,
    n_suppressed > 0 as contains_suppressed,
    suppressed_below,
    lower_bound,
    upper_bound,
    source_status,
    age_span_stated,
    fetched_at,
    fetch_id,
    vintage
from versions
