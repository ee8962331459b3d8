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
order by catalogue.measure_id
