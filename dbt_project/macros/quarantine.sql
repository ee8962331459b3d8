{#- The name of something that could not be read: the same text at the same place has the same name in every fetch. -#}
{% macro quarantine_id(parts) -%}
    'Q-' || substr(md5(concat_ws('|'
    {%- for part in parts %}, coalesce(cast({{ part }} as varchar), '') {%- endfor -%}
    )), 1, 10)
{%- endmacro %}
