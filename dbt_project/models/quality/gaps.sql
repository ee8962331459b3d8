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

acknowledgements as (
    select
        measure_id,
        municipality_id,
        year_from,
        year_to,
        string_agg(note || ' (' || acknowledged_by || ', ' || acknowledged_on || ')', '; ' order by acknowledged_on)
            as note
    from {{ ref('acknowledged_gaps') }}
    where
        expires_on is null
        or expires_on >= coalesce(
            (select max(cast(measures.fetched_at as date)) from {{ ref('stg_kolada__measures') }} as measures),
            date '1970-01-01'
        )
    group by measure_id, municipality_id, year_from, year_to
)

select
    gap.measure_id,
    gap.municipality_id,
    gap.year,
    catalogue.title_sv as measure,
    places.municipality,
    gap.missing_reason,
    case gap.missing_reason
        when 'not_reported' then 'i.u.'
        when 'suppressed' then '..'
        when 'not_applicable' then '.'
        else gap.missing_reason
    end as shown_as,
    case
        when acknowledgements.measure_id is not null then 'acknowledged'
        when last_reports.last_reported_year = gap.year - 1 then 'new'
        else 'chronic'
    end as kind,
    last_reports.last_reported_year,
    greatest(gap.first_asked_at, year_published.first_published_at, gap.valid_from) as first_seen_at,
    acknowledgements.note
from totals as gap
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on gap.measure_id = catalogue.measure_id
inner join {{ ref('stg_places') }} as places on gap.municipality_id = places.municipality_id
left join year_published on gap.measure_id = year_published.measure_id and gap.year = year_published.year
left join last_reports
    on
        gap.measure_id = last_reports.measure_id
        and gap.municipality_id = last_reports.municipality_id
        and gap.year = last_reports.year
left join acknowledgements
    on
        gap.measure_id = acknowledgements.measure_id
        and gap.municipality_id = acknowledgements.municipality_id
        and gap.year between acknowledgements.year_from and coalesce(acknowledgements.year_to, 9999)
where gap.is_expected and gap.value is null
qualify
    row_number() over (
        partition by gap.measure_id, gap.municipality_id, gap.year
        order by acknowledgements.year_from desc nulls last
    ) = 1
order by gap.measure_id, gap.municipality_id, gap.year
