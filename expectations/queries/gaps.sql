select
    measure_id as label,
    measure_id,
    kind,
    missing_reason,
    count(*) as n_gaps,
    min(year) as first_year,
    max(year) as last_year
from quality.gaps
group by all
order by all
