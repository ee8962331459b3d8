select
    municipality || ' ' || coalesce(year::varchar, 'every year') || ' ' || measure_id as label,
    statement_id,
    report,
    vintage_date,
    statement,
    said_in,
    kind,
    measure_id,
    municipality_id,
    municipality,
    year,
    is_expected,
    is_true_then,
    is_true_now,
    verdict,
    case when is_expected then 'true' else 'not true' end || ': ' || statement as expected,
    case when is_true_then then 'true' else 'not true' end || ' as of ' || vintage_date || ', '
    || case when is_true_now then 'true' else 'not true' end || ' now' as found
from quality.statements
order by statement_id
