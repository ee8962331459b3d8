-- The explanations of gaps that are in force on the day of the build: those of the seed, and those of `ame gaps ack`. One that was given
-- again with another last day is one explanation, which holds until the later day.
with explained as (
    select
        measure_id,
        municipality_id,
        year_from,
        year_to,
        acknowledged_by,
        acknowledged_on,
        expires_on,
        note,
        'seed' as source
    from {{ ref('acknowledged_gaps') }}
    union all
    select
        measure_id,
        municipality_id,
        cast(year_from as integer) as year_from,
        cast(year_to as integer) as year_to,
        acknowledged_by,
        cast(acknowledged_on as date) as acknowledged_on,
        cast(expires_on as date) as expires_on,
        note,
        'ame gaps ack' as source
    from {{ source_or_empty('warehouse', 'gap_explanations') }}
)

select *
from explained
where
    acknowledged_on <= {{ build_day() }}
    and (expires_on is null or expires_on >= {{ build_day() }})
qualify
    row_number() over (
        partition by
            measure_id, municipality_id, year_from, year_to, acknowledged_by, acknowledged_on, note
        order by expires_on desc nulls first, source asc
    ) = 1
