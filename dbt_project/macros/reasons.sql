{#- Why a cell without any record is empty. `asked`: a complete fetch asked for it.
    In the sample only printed cells exist, so that anything else has simply not been loaded. -#}
{% macro outside_reason(year, first_year, last_year, discontinued_last_year, asked) -%}
    case
        when {{ "true" if var("ame_mode") == "sample" else "not coalesce(" ~ asked ~ ", false)" }} then 'not_loaded'
        when {{ year }} > {{ discontinued_last_year }} then 'discontinued'
        when {{ last_year }} is null or {{ year }} > {{ last_year }} then 'not_yet_published'
        when {{ year }} < {{ first_year }} then 'not_applicable'
        else 'not_reported'
    end
{%- endmacro %}

{#- Joins to what complete fetches have asked for: a cell of this place, in all years or in this one. `name` tells the
    cells of one model apart. `was_asked` is the condition over the joins. -#}
{% macro join_asked(measure_id, municipality_id, year, name="") -%}
    left join {{ ref('int_measures__asked') }} as asked_all{{ name }}
        on
            {{ measure_id }} = asked_all{{ name }}.measure_id
            and {{ municipality_id }} = asked_all{{ name }}.municipality_id
            and asked_all{{ name }}.year is null
    left join {{ ref('int_measures__asked') }} as asked_year{{ name }}
        on
            {{ measure_id }} = asked_year{{ name }}.measure_id
            and {{ municipality_id }} = asked_year{{ name }}.municipality_id
            and {{ year }} = asked_year{{ name }}.year
{%- endmacro %}

{% macro was_asked(name="") -%}
    (asked_all{{ name }}.measure_id is not null or asked_year{{ name }}.measure_id is not null)
{%- endmacro %}

{#- Derived figures are rounded to six decimals: parallel sums differ in their last digits. -#}
{% macro stable(expression) -%}
    round({{ expression }}, 6)
{%- endmacro %}

{#- `column in ('a', 'b')` for a list of ids that comes from the settings. -#}
{% macro in_ids(column, ids) -%}
    {{ column }} in (
        {%- for id in ids %}'{{ id | replace("'", "''") }}'{% if not loop.last %}, {% endif %}{% endfor -%}
    )
{%- endmacro %}
