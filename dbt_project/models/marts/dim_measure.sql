with newest_metadata as (
    select *
    from {{ ref('stg_kolada__kpi_metadata') }}
    qualify row_number() over (partition by kpi_id order by fetched_at desc, fetch_id desc) = 1
),

composition_list as (
    select
        kpi_id,
        string_agg(composition_id, ', ' order by coalesce(valid_from_year, 0), composition_id) as compositions
    from {{ ref('stg_kolada__compositions') }}
    group by kpi_id
)

select
    catalogue.measure_id,
    catalogue.kpi_id,
    catalogue.title_sv as title,
    newest_metadata.title as source_title,
    newest_metadata.description as definition,
    catalogue.topic,
    topics.topic_sv,
    case
        when catalogue.measure_id = 'ame_participants_total' then 'participants'
        when
            catalogue.measure_id in (
                'lmp_net_cost_per_inhabitant', 'lmp_gross_cost_per_inhabitant', 'lmp_revenue_per_inhabitant'
            )
            then 'costs'
        else topics.mart
    end as mart,
    catalogue.category_id,
    composition_list.compositions,
    catalogue.unit,
    catalogue.denominator,
    catalogue.period_type,
    catalogue.is_divided_by_gender,
    catalogue.is_kas,
    years.first_year,
    years.last_year,
    catalogue.first_year_known,
    catalogue.discontinued_last_year,
    years.earliest_reported,
    years.latest_reported,
    catalogue.publisher,
    catalogue.original_source,
    catalogue.break_note,
    catalogue.note,
    catalogue.in_current_catalogue,
    newest_metadata.prel_publication_date as next_preliminary_publication,
    newest_metadata.publication_date as next_publication,
    newest_metadata.publ_period as next_publication_period
from {{ ref('stg_kolada__catalogue') }} as catalogue
inner join {{ ref('measure_topics') }} as topics on catalogue.topic = topics.topic
left join {{ ref('int_measures__years') }} as years on catalogue.measure_id = years.measure_id
left join newest_metadata on catalogue.kpi_id = newest_metadata.kpi_id
left join composition_list on catalogue.kpi_id = composition_list.kpi_id
union all
select
    measures.measure_id,
    cast(null as varchar) as kpi_id,
    measures.title_sv as title,
    cast(null as varchar) as source_title,
    cast(null as varchar) as definition,
    measures.topic,
    topics.topic_sv,
    topics.mart,
    nullif(measures.category, 'all') as category_id,
    cast(null as varchar) as compositions,
    measures.unit,
    measures.denominator,
    measures.period_type,
    measures.is_divided_by_gender,
    false as is_kas,
    spans.first_year,
    spans.last_year,
    cast(null as integer) as first_year_known,
    cast(year(measures.denominator_last_month) as integer) as discontinued_last_year,
    spans.first_year as earliest_reported,
    spans.last_year as latest_reported,
    measures.publisher,
    measures.original_source,
    measures.break_note,
    concat_ws('; ', measures.note, measures.age_basis) as note,
    measures.denominator_last_month is null as in_current_catalogue,
    cast(null as date) as next_preliminary_publication,
    cast(null as date) as next_publication,
    cast(null as varchar) as next_publication_period
from {{ ref('stg_af__measures') }} as measures
inner join {{ ref('measure_topics') }} as topics on measures.topic = topics.topic
left join (
    select
        measure_id,
        cast(min(year(month)) as integer) as first_year,
        cast(max(year(month)) as integer) as last_year
    from {{ ref('int_af__versions') }}
    where value is not null
    group by measure_id
) as spans on measures.measure_id = spans.measure_id
order by measure_id
