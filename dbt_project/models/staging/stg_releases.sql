-- The decisions in force about rows in quarantine: the last one about each, unless it took the release back.
with decisions as (
    select
        quarantine_id,
        decision,
        cast(value as double) as value,
        decided_by,
        cast(decided_at as timestamp) as decided_at,
        note
    from {{ source_or_empty('warehouse', 'releases') }}
    {% if var("ame_as_of") %}
        where cast(decided_at as timestamp) <= cast('{{ var("ame_as_of") }}' as timestamp)
    {% endif %}
),

newest as (
    select *
    from decisions
    qualify row_number() over (partition by quarantine_id order by decided_at desc) = 1
)

select
    quarantine_id,
    value,
    decided_by,
    decided_at,
    note
from newest
where decision = 'release'
