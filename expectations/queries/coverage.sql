select
    concat_ws(' ', coverage.measure_id, coverage.year) as label,
    coverage.measure_id,
    coverage.year,
    coverage.n_expected,
    coverage.n_reported,
    coverage.n_expected - coverage.n_reported as n_missing,
    coverage.n_expected - coverage.n_reported
    - len(list_filter(string_split(coalesce(coverage.missing_municipality_ids, ''), ','), lambda id: id <> ''))
        as n_not_named,
    case
        when coverage.n_expected >= 20 and before.n_expected >= 20
            then coverage.n_reported * 100.0 / coverage.n_expected - before.n_reported * 100.0 / before.n_expected
    end as change_pp,
    coverage.missing_municipality_ids
from quality.coverage as coverage
left join quality.coverage as before
    on coverage.measure_id = before.measure_id and coverage.year = before.year + 1
order by all
