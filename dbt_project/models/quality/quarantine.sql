-- What could not be typed: word for word, with its place, the reason, and what was decided. Nothing goes from here unseen:
-- `held` waits for somebody, `released` is published with a value that a person gave, `superseded` was replaced by a later answer.
with kolada_cells as (
    select
        observations.quarantine_id,
        observations.kpi_id,
        observations.municipality_id,
        observations.year,
        observations.gender,
        max(observations.raw_value) as raw_value,
        max_by(observations.object_sha256, fetches.fetch_order) as object_sha256,
        max_by(observations.fetch_id, fetches.fetch_order) as fetch_id,
        min(fetches.fetched_at) as first_seen_at,
        max(fetches.fetched_at) as last_seen_at,
        max(fetches.fetch_order) as last_order
    from {{ ref('stg_kolada__observations') }} as observations
    inner join {{ ref('int_kolada__fetches') }} as fetches
        on observations.fetch_id = fetches.content_fetch_id and observations.kpi_id = fetches.kpi_id
    where observations.quarantine_id is not null
    group by
        observations.quarantine_id,
        observations.kpi_id,
        observations.municipality_id,
        observations.year,
        observations.gender
),

newest_answers as (
    select
        kpi_id,
        municipality_id,
        year,
        gender,
        max(fetch_order) as newest_order
    from {{ ref('int_kolada__assertions') }}
    group by kpi_id, municipality_id, year, gender
),

kolada as (
    select
        cells.quarantine_id,
        'kolada' as source,
        case
            when cells.last_order < newest.newest_order then 'superseded'
            when releases.quarantine_id is not null then 'released'
            else 'held'
        end as state,
        true as is_releasable,
        cells.kpi_id,
        cells.municipality_id,
        cells.year,
        cells.gender,
        'KPI ' || cells.kpi_id as place_in_source,
        cells.raw_value,
        'The value is neither a number nor empty.' as reason,
        cells.object_sha256,
        cells.fetch_id,
        cells.first_seen_at,
        cells.last_seen_at,
        releases.value as released_value,
        releases.decided_by as released_by,
        releases.decided_at as released_at,
        releases.note
    from kolada_cells as cells
    inner join newest_answers as newest
        on
            cells.kpi_id = newest.kpi_id
            and cells.municipality_id = newest.municipality_id
            and cells.year = newest.year
            and cells.gender = newest.gender
    left join {{ ref('stg_releases') }} as releases on cells.quarantine_id = releases.quarantine_id
),

newest_fetches as (
    select
        kpi_id,
        max_by(fetch_id, (fetched_at, retrieved_at, fetch_id)) as fetch_id
    from {{ ref('stg_kolada__measures') }}
    where is_usable
    group by kpi_id
),

-- a record that does not even name its KPI belongs to the newest fetch of all
newest_fetch as (
    select max_by(fetch_id, (fetched_at, retrieved_at, fetch_id)) as fetch_id
    from {{ ref('stg_kolada__measures') }}
    where is_usable
),

kolada_records as (
    select
        findings.kpi_id,
        findings.municipality_id,
        findings.year,
        findings.gender,
        findings.detail as raw_value,
        max(findings.expected) as expected,
        bool_or(newest.fetch_id is not null or newest_fetch.fetch_id is not null) as is_newest,
        max_by(findings.fetch_id, (findings.fetched_at, findings.fetch_id)) as fetch_id,
        min(findings.fetched_at) as first_seen_at,
        max(findings.fetched_at) as last_seen_at
    from {{ ref('stg_kolada__findings') }} as findings
    left join newest_fetches as newest
        on findings.kpi_id = newest.kpi_id and findings.fetch_id = newest.fetch_id
    left join newest_fetch
        on findings.kpi_id is null and findings.fetch_id = newest_fetch.fetch_id
    where
        findings.kind = 'odd_value'
        and findings.found in ('a value that cannot be keyed', 'a record that cannot be keyed')
    group by findings.kpi_id, findings.municipality_id, findings.year, findings.gender, findings.detail
),

-- the workbooks in use: one of each dataset, and of Rusta och matcha one of each period
workbooks_in_use as (
    select
        dataset,
        file_sha256
    from {{ ref('stg_af__files') }}
    where file_sha256 is not null
    qualify
        row_number() over (
            partition by dataset, case when dataset = 'rusta_och_matcha' then period_last end
            order by fetched_at desc, retrieved_at desc, fetch_id desc, period_last desc nulls last
        ) = 1
),

workbooks as (
    select
        quarantine.*,
        workbooks_in_use.file_sha256 is not null as is_in_use
    from {{ ref('stg_af__quarantine') }} as quarantine
    left join workbooks_in_use
        on
            quarantine.dataset = workbooks_in_use.dataset
            and quarantine.file_sha256 = workbooks_in_use.file_sha256
),

unread as (
    select * from kolada
    union all
    select
        {{ quarantine_id(["'record'", "kpi_id", "municipality_id", "year", "gender", "raw_value"]) }} as quarantine_id,
        'kolada' as source,
        case when is_newest then 'held' else 'superseded' end as state,
        false as is_releasable,
        kpi_id,
        municipality_id,
        year,
        gender,
        'KPI ' || coalesce(kpi_id, 'not named') as place_in_source,
        raw_value,
        'The record does not say what it is about; expected ' || expected || '.' as reason,
        cast(null as varchar) as object_sha256,
        fetch_id,
        first_seen_at,
        last_seen_at,
        cast(null as double) as released_value,
        cast(null as varchar) as released_by,
        cast(null as timestamp) as released_at,
        cast(null as varchar) as note
    from kolada_records
    union all
    select
        {{ quarantine_id(["'af'", "file_sha256", "table_name", "row_no", "column_name", "reason"]) }} as quarantine_id,
        'arbetsformedlingen' as source,
        case when bool_or(is_in_use) then 'held' else 'superseded' end as state,
        false as is_releasable,
        cast(null as varchar) as kpi_id,
        cast(null as varchar) as municipality_id,
        cast(null as integer) as year,
        cast(null as varchar) as gender,
        concat_ws(', ', dataset, table_name, 'row ' || row_no, 'column ' || column_name) as place_in_source,
        max(raw) as raw_value,
        'The workbook: ' || reason || '.' as reason,
        file_sha256 as object_sha256,
        max_by(fetch_id, (fetched_at, fetch_id)) as fetch_id,
        min(fetched_at) as first_seen_at,
        max(fetched_at) as last_seen_at,
        cast(null as double) as released_value,
        cast(null as varchar) as released_by,
        cast(null as timestamp) as released_at,
        cast(null as varchar) as note
    from workbooks
    group by dataset, table_name, row_no, column_name, reason, file_sha256
)

select
    unread.quarantine_id,
    unread.source,
    unread.state,
    unread.is_releasable,
    catalogue.measure_id,
    unread.kpi_id,
    unread.municipality_id,
    places.municipality,
    unread.year,
    unread.gender,
    unread.place_in_source,
    unread.raw_value,
    unread.reason,
    unread.object_sha256,
    unread.fetch_id,
    unread.first_seen_at,
    unread.last_seen_at,
    unread.released_value,
    unread.released_by,
    unread.released_at,
    unread.note
from unread
left join {{ ref('stg_kolada__catalogue') }} as catalogue on unread.kpi_id = catalogue.kpi_id
left join {{ ref('stg_places') }} as places on unread.municipality_id = places.municipality_id
order by unread.state, unread.source, unread.kpi_id, unread.municipality_id, unread.year, unread.quarantine_id
