-- The files that may have brought something new, table by table: usable, with at least one row of the table, and not the same content as
-- the release before. A table that a newer file lacks has no release there, so that nothing of it is withdrawn.
with contents as (
    select
        fetch_id as content_fetch_id,
        file_sha256,
        dataset,
        table_name,
        min(age_span) as age_span
    from {{ ref('stg_af__jobseekers') }}
    group by fetch_id, file_sha256, dataset, table_name
),

-- one file per dataset and fetch: the newest month
files as (
    select *
    from {{ ref('stg_af__files') }}
    where is_usable
    qualify
        row_number() over (partition by dataset, fetch_id order by period_last desc nulls last, file_sha256 desc) = 1
),

dated as (
    select
        files.dataset,
        contents.table_name,
        contents.age_span,
        files.fetch_id,
        files.fetched_at,
        files.retrieved_at,
        files.vintage,
        files.period_last,
        files.content_fetch_id,
        files.file_sha256,
        lag(files.content_fetch_id || files.file_sha256) over (
            partition by files.dataset, contents.table_name
            order by files.fetched_at, files.retrieved_at, files.fetch_id
        ) as previous_content
    from files
    inner join contents
        on
            files.content_fetch_id = contents.content_fetch_id
            and files.file_sha256 = contents.file_sha256
            and files.dataset = contents.dataset
)

select
    dataset,
    table_name,
    age_span,
    fetch_id,
    fetched_at,
    vintage,
    period_last,
    content_fetch_id,
    file_sha256,
    row_number() over (
        partition by dataset, table_name order by fetched_at, retrieved_at, fetch_id
    ) as release_order
from dated
where previous_content is null or previous_content <> content_fetch_id || file_sha256
