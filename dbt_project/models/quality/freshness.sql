-- When each source's next figures are due, by its own rhythm: the publication date that Kolada announces; where it announces none (KAS)
-- and for AF's workbooks, what earlier periods took from their end until the first fetch that had them. A period that the very first
-- fetch brought says nothing of that. Without two such periods nothing is expected: nobody is alarmed by a guess.
with announced as (
    select
        kpi_id,
        publication_date,
        publ_period
    from {{ ref('stg_kolada__kpi_metadata') }}
    qualify row_number() over (partition by kpi_id order by fetched_at desc, fetch_id desc) = 1
),

dated as (
    select
        'kolada' as source,
        catalogue.measure_id as series_id,
        cast(years.latest_reported as varchar) as newest_period,
        announced.publ_period as next_period,
        cast(announced.publication_date + interval {{ var("freshness_grace_days") }} day as date) as expected_by,
        'publication_date' as basis,
        0 as n_learned,
        cast(null as integer) as usual_days
    from {{ ref('stg_kolada__catalogue') }} as catalogue
    inner join {{ ref('int_measures__years') }} as years on catalogue.measure_id = years.measure_id
    inner join announced on catalogue.kpi_id = announced.kpi_id
    where
        announced.publication_date is not null
        and years.discontinued_last_year is null
        and cast(years.latest_reported as varchar) < announced.publ_period
),

appeared as (
    select
        'kolada' as source,
        'kas' as series_id,
        cast(versions.year as varchar) as period,
        cast(cast(versions.year + 1 as varchar) || '-01-01' as date) as period_end,
        min(versions.valid_from) as first_seen
    from {{ ref('int_observations__versions') }} as versions
    inner join {{ ref('stg_kolada__catalogue') }} as catalogue on versions.measure_id = catalogue.measure_id
    where catalogue.is_kas and versions.value is not null
    group by versions.year
    union all
    select
        'arbetsformedlingen' as source,
        dataset as series_id,
        period_last as period,
        cast(cast(period_last || '-01' as date) + interval 1 month as date) as period_end,
        min(fetched_at) as first_seen
    from {{ ref('stg_af__files') }}
    where is_usable and period_last is not null
    group by dataset, period_last
),

-- a period that comes after a later one is a backfill
ordered as (
    select
        *,
        max(period) over (
            partition by source, series_id order by first_seen, period rows between unbounded preceding and 1 preceding
        ) as newest_before
    from appeared
),

began as (
    select
        source,
        series_id,
        min(first_seen) as first_fetch,
        max(period) as newest_period,
        max(period_end) as newest_end
    from appeared
    group by source, series_id
),

learned as (
    select
        began.source,
        began.series_id,
        began.newest_period,
        began.newest_end,
        count(appeared.period) as n_learned,
        max(date_diff('day', appeared.period_end, cast(appeared.first_seen as date))) as usual_days
    from began
    left join ordered as appeared
        on
            began.source = appeared.source
            and began.series_id = appeared.series_id
            and began.first_fetch < appeared.first_seen
            and appeared.newest_before < appeared.period
    group by began.source, began.series_id, began.newest_period, began.newest_end
),

polled as (
    select
        source,
        series_id,
        newest_period,
        case
            when source = 'kolada' then cast(cast(newest_period as integer) + 1 as varchar)
            else substring(cast(newest_end as varchar), 1, 7)
        end as next_period,
        case
            when n_learned >= 2 and source = 'kolada'
                then
                    newest_end + interval 1 year
                    + to_days(cast(usual_days as integer) + {{ var("freshness_grace_kas_days") }})
            when n_learned >= 2
                then
                    newest_end + interval 1 month
                    + to_days(cast(usual_days as integer) + {{ var("freshness_grace_days") }})
        end as expected_by,
        case when n_learned >= 2 then 'learned' else 'none' end as basis,
        n_learned,
        usual_days
    from learned
),

due as (
    select * from dated
    union all
    select * from polled
)

select
    source,
    series_id,
    newest_period,
    next_period,
    -- the sample shows past days: nothing of it is due
    case when '{{ var("ame_mode") }}' = 'live' then cast(expected_by as date) end as expected_by,
    basis,
    cast(n_learned as integer) as n_learned,
    cast(usual_days as integer) as usual_days
from due
order by source, series_id
