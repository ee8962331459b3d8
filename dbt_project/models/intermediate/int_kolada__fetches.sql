-- One row per KPI and usable fetch that may have brought something new: the answer, the scope or the publication state differs
-- from the usable fetch before it. A fetch that failed is not here, so that it can neither change nor withdraw a value.
with dated as (
    select
        measures.fetch_id,
        measures.kpi_id,
        measures.fetched_at,
        measures.retrieved_at,
        measures.vintage,
        measures.content_fetch_id,
        measures.municipality_ids,
        measures.years,
        -- the data year whose values are preliminary at the time of the fetch
        case
            when
                metadata.prel_publication_date <= cast(measures.fetched_at as date)
                and cast(measures.fetched_at as date) < metadata.publication_date
                then try_cast(metadata.publ_period as integer)
            when
                metadata.prel_publication_date is null
                and metadata.publication_date is null
                and cast(measures.fetched_at as date)
                < make_date(year(measures.fetched_at), rules.final_month, rules.final_day)
                then year(measures.fetched_at) - 1
        end as preliminary_year
    from {{ ref('stg_kolada__measures') }} as measures
    left join {{ ref('stg_kolada__kpi_metadata') }} as metadata
        on measures.fetch_id = metadata.fetch_id and measures.kpi_id = metadata.kpi_id
    left join {{ ref('preliminary_rules') }} as rules on measures.kpi_id = rules.kpi_id
    where measures.is_usable
),

compared as (
    select
        *,
        lag(content_fetch_id) over previous_fetch as previous_content,
        lag(municipality_ids) over previous_fetch as previous_municipality_ids,
        lag(years) over previous_fetch as previous_years,
        lag(preliminary_year) over previous_fetch as previous_preliminary_year
    from dated
    window previous_fetch as (partition by kpi_id order by fetched_at, retrieved_at, fetch_id)
)

select
    fetch_id,
    kpi_id,
    fetched_at,
    vintage,
    content_fetch_id,
    municipality_ids,
    years,
    preliminary_year,
    row_number() over (partition by kpi_id order by fetched_at, retrieved_at, fetch_id) as fetch_order
from compared
where
    -- an empty answer has no content: null here, and a change like any other
    content_fetch_id is distinct from previous_content
    or municipality_ids is distinct from previous_municipality_ids
    or years is distinct from previous_years
    -- a printed table cannot become final by the passing of time
    or ('{{ var("ame_mode") }}' = 'live' and preliminary_year is distinct from previous_preliminary_year)
