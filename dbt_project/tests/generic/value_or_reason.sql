{#- A value is null exactly where its reason is not: the rule of the whole warehouse. -#}
{% test value_or_reason(model, value, reason) %}
    select *
    from {{ model }}
    where ({{ value }} is null) <> ({{ reason }} is not null)
{% endtest %}
