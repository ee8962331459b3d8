with totals as (
    select *
    from {{ ref('int_measures__cells') }}
    where gender = 'T'
),

year_published as (
    select
        measure_id,
        year,
        min(valid_from) as first_published_at
    from {{ ref('int_observations__versions') }}
    where value is not null
    group by measure_id, year
),

last_reports as (
    select
        gap.measure_id,
        gap.municipality_id,
        gap.year,
        max(earlier.year) as last_reported_year
    from totals as gap
    inner join totals as earlier
        on
            gap.measure_id = earlier.measure_id
            and gap.municipality_id = earlier.municipality_id
            and gap.year > earlier.year
            and earlier.value is not null
    where gap.is_expected and gap.value is null
    group by gap.measure_id, gap.municipality_id, gap.year
),

explanations as (
    {{ gap_explanations('totals', 'municipality_id', 'year', 'gap.year') }}
)

select
    gap.measure_id,
    gap.municipality_id,
    gap.year,
    catalogue.title_sv as measure,
    places.municipality,
    gap.missing_reason,
    {{ shown_as('gap.missing_reason') }} as shown_as,
    case
        when explanations.measure_id is not null then 'acknowledged'
        when last_reports.last_reported_year = gap.year - 1 then 'new'
        else 'chronic'
    end as kind,
    last_reports.last_reported_year,
    greatest(gap.first_asked_at, year_published.first_published_at, gap.valid_from) as first_seen_at,
    explanations.note,
    explanations.acknowledged_by,
    explanations.acknowledged_on,
    explanations.acknowledged_until
from totals as gap
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on gap.measure_id = catalogue.measure_id
inner join {{ ref('stg_places') }} as places on gap.municipality_id = places.municipality_id
left join year_published on gap.measure_id = year_published.measure_id and gap.year = year_published.year
left join last_reports
    on
        gap.measure_id = last_reports.measure_id
        and gap.municipality_id = last_reports.municipality_id
        and gap.year = last_reports.year
left join explanations
    on
        gap.measure_id = explanations.measure_id
        and gap.municipality_id = explanations.municipality_id
        and gap.year = explanations.year
where gap.is_expected and gap.value is null
order by gap.measure_id, gap.municipality_id, gap.year
