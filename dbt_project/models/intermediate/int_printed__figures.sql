-- Every printed cell of both seeds, typed: a number, a text, or a reason why there is neither.
{% set columns = [
    "table_file", "report", "table_name", "municipality", "municipality_code", "year", "measure", "gender", "unit",
    "value", "raw_text", "source_note", "retrieved", "footnote", "ambiguous", "ambiguity_note",
] %}
with cells as (
    select
        {% for column in columns %}
            nullif({{ column }}, '') as {{ column }},
        {% endfor %}
        nullif(kpi_id, '') as kpi_id,
        nullif(kpi_match, '') as kpi_match,
        nullif(kpi_note, '') as kpi_note
    from {{ ref('printed_report_tables') }}
    union all
    select
        {% for column in columns %}
            nullif({{ column }}, '') as {{ column }},
        {% endfor %}
        cast(null as varchar) as kpi_id,
        'none' as kpi_match,
        cast(null as varchar) as kpi_note
    from {{ ref('printed_reference_tables') }}
),

typed as (
    select
        *,
        cast(value as double) as number_value,
        cast(length(split_part(coalesce(value, ''), '.', 2)) as integer) as n_decimals,
        case
            when raw_text in ('i.u.', '-') then null
            when value is null or unit = 'text' then raw_text
        end as value_text,
        lower(coalesce(raw_text, '')) as words,
        lower(coalesce(footnote, '')) as footnote_words
    from cells
)

select
    md5(
        concat_ws(
            '|',
            typed.table_file,
            typed.table_name,
            typed.municipality,
            typed.year,
            typed.measure,
            typed.gender,
            typed.value,
            typed.raw_text
        )
    ) as figure_id,
    typed.report,
    typed.table_name,
    typed.table_file,
    typed.municipality_code as municipality_id,
    typed.municipality,
    typed.year as period,
    case when length(typed.year) = 4 then cast(typed.year as integer) end as year,
    typed.measure,
    catalogue.measure_id,
    typed.kpi_id,
    typed.kpi_match,
    typed.kpi_note,
    typed.gender,
    typed.unit,
    typed.number_value as value,
    typed.n_decimals,
    typed.value_text,
    case
        when typed.number_value is not null or typed.value_text is not null then null
        when typed.raw_text = '-' then 'not_applicable'
        when typed.ambiguity_note like 'unreadable%' then 'not_loaded'
        else 'not_reported'
    end as missing_reason,
    typed.raw_text,
    (
        {% for word in ["ca", "drygt", "runt", "omkring", "över", "minst", "mer än", "mindre än"] %}
            typed.words like '{{ word }} %' or typed.footnote_words = '{{ word }}'{{ " or" if not loop.last }}
        {% endfor %}
    ) as is_approximate,
    cast(typed.retrieved as date) as retrieved,
    coalesce(vintages.vintage_date, cast(typed.retrieved as date)) as vintage_date,
    coalesce(vintages.is_inferred, false) as is_vintage_inferred,
    typed.source_note,
    typed.footnote,
    coalesce(typed.ambiguous = '1', false) as is_ambiguous,
    typed.ambiguity_note
from typed
left join {{ ref('stg_kolada__catalogue') }} as catalogue on typed.kpi_id = catalogue.kpi_id
left join {{ ref('report_vintages') }} as vintages
    on
        typed.report = vintages.report
        and coalesce(typed.retrieved, '') = coalesce(vintages.retrieved, '')
