{#- The explanations in force of each gap (seed acknowledged_gaps, `ame gaps ack`), one row per measure, place and period.
    `gaps` has measure_id, is_expected and value; `year` is the year of the period. -#}
{% macro gap_explanations(gaps, place, period, year) -%}
    select
        gap.measure_id,
        gap.{{ place }},
        gap.{{ period }},
        string_agg(
            explained.note || ' (' || explained.acknowledged_by || ', ' || explained.acknowledged_on || ')',
            '; ' order by explained.acknowledged_on, explained.note
        ) as note,
        string_agg(
            distinct explained.acknowledged_by, ', ' order by explained.acknowledged_by
        ) as acknowledged_by,
        max(explained.acknowledged_on) as acknowledged_on,
        nullif(max(coalesce(explained.expires_on, date '9999-12-31')), date '9999-12-31') as acknowledged_until
    from {{ gaps }} as gap
    inner join {{ ref('stg_acknowledged_gaps') }} as explained
        on
            gap.measure_id = explained.measure_id
            and gap.{{ place }} = explained.municipality_id
            and {{ year }} between explained.year_from and coalesce(explained.year_to, 9999)
    where gap.is_expected and gap.value is null
    group by gap.measure_id, gap.{{ place }}, gap.{{ period }}
{%- endmacro %}
