with totals as (
    select *
    from {{ ref('int_af__cells') }}
    where place_kind = 'municipality' and gender = 'T' and age_group = 'total'
),

month_published as (
    select
        measure_id,
        month,
        min(valid_from) as first_published_at
    from {{ ref('int_af__versions') }}
    where place_kind = 'municipality' and value is not null
    group by measure_id, month
),

reported as (
    select
        *,
        max(case when value is not null then month end) over (
            partition by measure_id, place_id order by month
            rows between unbounded preceding and 1 preceding
        ) as last_reported_month
    from totals
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
            (select max(cast(files.fetched_at as date)) from {{ ref('stg_af__files') }} as files),
            date '1970-01-01'
        )
    group by measure_id, municipality_id, year_from, year_to
)

select
    gap.measure_id,
    gap.place_id as municipality_id,
    gap.month,
    measures.title_sv as measure,
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
        when gap.last_reported_month = gap.month - interval 1 month then 'new'
        else 'chronic'
    end as kind,
    gap.last_reported_month,
    greatest(gap.first_asked_at, month_published.first_published_at, gap.valid_from) as first_seen_at,
    acknowledgements.note,
    {{ af_origin() }} as origin
from reported as gap
inner join {{ ref('stg_af__measures') }} as measures on gap.measure_id = measures.measure_id
inner join {{ ref('stg_places') }} as places on gap.place_id = places.municipality_id
left join month_published on gap.measure_id = month_published.measure_id and gap.month = month_published.month
left join acknowledgements
    on
        gap.measure_id = acknowledgements.measure_id
        and gap.place_id = acknowledgements.municipality_id
        and year(gap.month) between acknowledgements.year_from and coalesce(acknowledgements.year_to, 9999)
where gap.is_expected and gap.value is null
qualify
    row_number() over (
        partition by gap.measure_id, gap.place_id, gap.month
        order by acknowledgements.year_from desc nulls last
    ) = 1
order by gap.measure_id, gap.place_id, gap.month
