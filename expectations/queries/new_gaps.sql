with latest as (
    select measure_id, max(year) as year
    from quality.coverage
    group by measure_id
)

select
    concat_ws(' ', gaps.municipality, gaps.year, gaps.measure_id) as label,
    gaps.kind,
    gaps.measure_id,
    gaps.municipality_id,
    gaps.municipality,
    gaps.year,
    gaps.missing_reason,
    gaps.last_reported_year,
    gaps.first_seen_at
from quality.gaps as gaps
inner join latest on gaps.measure_id = latest.measure_id and gaps.year = latest.year
where gaps.kind = 'new'
order by all
