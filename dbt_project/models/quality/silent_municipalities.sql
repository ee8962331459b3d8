-- Who reported a measure the period before its newest one and not in the newest, and what they reported last. One cause for many is told
-- apart from a municipality that has fallen silent by itself.
with newest_years as (
    select
        measure_id,
        max(year) as year
    from {{ ref('coverage') }}
    where n_reported > 0
    group by measure_id
),

newest_months as (
    select
        measure_id,
        max(month) as month
    from {{ ref('coverage_monthly') }}
    where n_reported > 0
    group by measure_id
),

silent as (
    select
        gaps.measure_id,
        gaps.municipality_id,
        cast(gaps.year as varchar) as period,
        gaps.year,
        gaps.measure,
        gaps.municipality,
        gaps.missing_reason,
        gaps.shown_as,
        cast(gaps.last_reported_year as varchar) as last_reported_period,
        earlier.value as last_value,
        measures.unit,
        measures.topic,
        gaps.first_seen_at,
        '{{ "as_printed" if var("ame_mode") == "sample" else "api" }}' as origin
    from {{ ref('gaps') }} as gaps
    inner join newest_years on gaps.measure_id = newest_years.measure_id and gaps.year = newest_years.year
    inner join {{ ref('stg_kolada__catalogue') }} as measures on gaps.measure_id = measures.measure_id
    inner join {{ ref('int_measures__cells') }} as earlier
        on
            gaps.measure_id = earlier.measure_id
            and gaps.municipality_id = earlier.municipality_id
            and gaps.last_reported_year = earlier.year
            and earlier.gender = 'T'
    where gaps.kind = 'new'
    union all
    -- a masked count is an answer
    select
        gaps.measure_id,
        gaps.municipality_id,
        strftime(gaps.month, '%Y-%m') as period,
        cast(year(gaps.month) as integer) as year,
        gaps.measure,
        gaps.municipality,
        gaps.missing_reason,
        gaps.shown_as,
        strftime(gaps.last_reported_month, '%Y-%m') as last_reported_period,
        earlier.value as last_value,
        measures.unit,
        measures.topic,
        gaps.first_seen_at,
        gaps.origin
    from {{ ref('gaps_monthly') }} as gaps
    inner join newest_months on gaps.measure_id = newest_months.measure_id and gaps.month = newest_months.month
    inner join {{ ref('stg_af__measures') }} as measures on gaps.measure_id = measures.measure_id
    inner join {{ ref('int_af__cells') }} as earlier
        on
            gaps.measure_id = earlier.measure_id
            and gaps.municipality_id = earlier.place_id
            and gaps.last_reported_month = earlier.month
            and earlier.place_kind = 'municipality'
            and earlier.gender = 'T'
            and earlier.age_group = 'total'
    where gaps.kind = 'new' and gaps.missing_reason <> 'suppressed'
),

reported as (
    select
        measure_id,
        cast(year as varchar) as period,
        n_reported
    from {{ ref('coverage') }}
    union all
    select
        measure_id,
        strftime(month, '%Y-%m') as period,
        n_reported
    from {{ ref('coverage_monthly') }}
),

counted as (
    select
        silent.*,
        reported.n_reported as n_reported_before,
        cast(count(*) over (partition by silent.measure_id) as integer) as n_silent
    from silent
    inner join reported
        on silent.measure_id = reported.measure_id and silent.last_reported_period = reported.period
),

caused as (
    select
        *,
        case
            when missing_reason = 'not_loaded' then 'not_loaded'
            when
                n_silent >= {{ var("silence_common_min") }}
                and n_silent * 100 >= {{ var("silence_common_pct") }} * n_reported_before
                then 'measure'
            else 'municipality'
        end as cause
    from counted
)

select
    caused.measure_id,
    caused.municipality_id,
    caused.period,
    caused.year,
    caused.measure,
    caused.municipality,
    caused.missing_reason,
    caused.shown_as,
    caused.last_reported_period,
    caused.last_value,
    caused.unit,
    caused.cause,
    caused.n_silent,
    caused.n_reported_before,
    case caused.cause
        when 'not_loaded' then 'not loaded: ' || topics.topic_sv
        when 'measure' then 'many municipalities: ' || topics.topic_sv
        else caused.municipality || ' (' || caused.municipality_id || ')'
    end as incident_scope,
    caused.first_seen_at,
    caused.origin
from caused
inner join {{ ref('measure_topics') }} as topics on caused.topic = topics.topic
order by caused.measure_id, caused.municipality_id, caused.period
