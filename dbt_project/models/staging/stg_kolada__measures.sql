-- How the fetch of each measure ended, of the mode that is built (sample and live are never mixed) and as of the chosen time.
select
    fetch_id,
    mode,
    fetched_at,
    retrieved_at,
    vintage,
    kpi_id,
    outcome,
    error,
    content_fetch_id,
    municipality_ids,
    years,
    outcome in ('complete', 'empty') as is_usable
from {{ source('kolada', 'measures') }}
where
    mode = '{{ var("ame_mode") }}'
    {% if var("ame_as_of") %}
        and fetched_at <= cast('{{ var("ame_as_of") }}' as timestamp)
    {% endif %}
