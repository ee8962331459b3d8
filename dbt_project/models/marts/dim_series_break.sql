select
    break_id,
    scope_id,
    topic,
    measure_id,
    break_year,
    kind,
    revised_back_to_year,
    is_bridged,
    confidence,
    note,
    note_sv
from {{ ref('int_breaks__measures') }}
order by break_id asc, scope_id asc
