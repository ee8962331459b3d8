-- A text is new for 60 days after the fetch that first brought it, so that an incident is not over before somebody has looked.
with catalogue as (
    select kpi_id, measure_id, in_current_catalogue
    from read_csv(getvariable('seeds') || '/kpi_catalogue.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
),

texts as (
    select
        kpi_id,
        fetched_at,
        regexp_replace(trim(coalesce(title, '')), '\s+', ' ', 'g') as title,
        regexp_replace(trim(coalesce(description, '')), '\s+', ' ', 'g') as definition
    from landing_kpi_metadata
),

newest_fetch as (
    select max(fetched_at) as fetched_at from landing_measures
),

newest as (
    select *
    from texts
    qualify row_number() over (partition by kpi_id order by fetched_at desc, title, definition) = 1
),

others as (
    select
        newest.kpi_id,
        max(texts.fetched_at) filter (where texts.title <> newest.title) as title_before_at,
        arg_max(texts.title, texts.fetched_at) filter (where texts.title <> newest.title) as title_before,
        max(texts.fetched_at) filter (where texts.definition <> newest.definition) as definition_before_at,
        arg_max(texts.definition, texts.fetched_at) filter (where texts.definition <> newest.definition)
            as definition_before
    from newest
    inner join texts on newest.kpi_id = texts.kpi_id
    group by newest.kpi_id
)

select
    concat_ws(' ', newest.kpi_id, newest.title) as label,
    newest.kpi_id,
    coalesce(catalogue.measure_id, newest.kpi_id) as measure_id,
    newest.fetched_at,
    newest.title,
    others.title_before,
    newest.definition,
    others.definition_before,
    coalesce(others.title_before_at > newest_fetch.fetched_at - interval 60 day, false) as is_title_new,
    coalesce(others.definition_before_at > newest_fetch.fetched_at - interval 60 day, false) as is_definition_new,
    -- the catalogue is fetched whole: a KPI that it named before and not in the newest fetch has left it
    newest.fetched_at < (select max(fetched_at) from landing_kpi_metadata)
    and catalogue.in_current_catalogue = '1' as is_vanished
from newest
cross join newest_fetch
inner join others on newest.kpi_id = others.kpi_id
left join catalogue on newest.kpi_id = catalogue.kpi_id
order by newest.kpi_id
