-- What each fetch found of each file, of the mode that is built and as of the chosen time. Only new and unchanged files
-- are used; one that was refused, failed or missing changes nothing.
select
    fetch_id,
    mode,
    fetched_at,
    retrieved_at,
    vintage,
    dataset,
    file_name,
    period_last,
    url,
    file_sha256,
    content_fetch_id,
    outcome,
    error,
    coalesce(is_stale, false) as is_stale,
    outcome in ('new', 'unchanged') as is_usable
from {{ af_source('files') }}
where
    mode = '{{ var("ame_mode") }}'
    {% if var("ame_as_of") %}
        and fetched_at <= cast('{{ var("ame_as_of") }}' as timestamp)
    {% endif %}
