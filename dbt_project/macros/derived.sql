{#- Comma-separated, sorted list of the ids for which the condition holds; an empty text when there are none. -#}
{% macro id_list(id, condition) -%}
    coalesce(string_agg({{ id }}, ',' order by {{ id }}) filter (where {{ condition }}), '')
{%- endmacro %}

{#- Whole number nearest to the expression, halves upwards; the expression is freed from float noise first. -#}
{% macro half_up(expression) -%}
    floor({{ stable(expression) }} + 0.5)
{%- endmacro %}

{#- A membership counts for a year when it is valid on 31 December of that year (the date of the population count). -#}
{% macro is_member_in(year, valid_from, valid_to) -%}
    (({{ valid_from }} is null or {{ valid_from }} <= make_date({{ year }}, 12, 31))
    and ({{ valid_to }} is null or {{ valid_to }} >= make_date({{ year }}, 12, 31)))
{%- endmacro %}

{#- Sum in a fixed order: floating-point sums depend on it, and a mean that lies between two roundings would differ from run to run. -#}
{% macro ordered_sum(expression, order) -%}
    sum({{ expression }} order by {{ order }})
{%- endmacro %}
