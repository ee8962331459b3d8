{#- Fails for rows where the value is null without a reason, or has a reason beside a value. -#}
{% test null_iff_reason(model, column_name, reason) %}
    select *
    from {{ model }}
    where ({{ column_name }} is null) <> ({{ reason }} is not null)
{% endtest %}
