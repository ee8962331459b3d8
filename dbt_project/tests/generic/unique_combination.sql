{#- Fails for every combination of the columns that occurs more than once, or that has a null in it. -#}
{% test unique_combination(model, columns) %}
    select
        {% for column in columns %}
            {{ column }},
        {% endfor %}
        count(*) as n_rows
    from {{ model }}
    group by {{ columns | join(", ") }}
    having
        count(*) > 1
        {% for column in columns %}
            or {{ column }} is null
        {% endfor %}
{% endtest %}
