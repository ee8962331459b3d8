{#- The files of a source (pattern): Arbetsförmedlingen's parsed tables, or what people told with `ame gaps ack` and
    `ame quarantine release`. -#}
{% macro source_files(source_name, name) -%}
    {%- if name == 'releases' -%}
        {{ env_var('AME_RELEASES', '') }}
    {%- elif source_name == 'warehouse' -%}
        {{ env_var('AME_ACKNOWLEDGED_GAPS', '') }}
    {%- else -%}
        {{ env_var('AME_OBSERVATIONS', 'observations') }}/source={{ source_name }}/fetch=*/{{ name }}.parquet
    {%- endif -%}
{%- endmacro %}

{#- A source whose files may not exist yet: then it is an empty table with the columns that it declares. -#}
{% macro source_or_empty(source_name, name) -%}
    {%- set relation = source(source_name, name) -%}
    {%- set fetched = namespace(files=1) -%}
    {%- if execute and graph is defined and graph.sources is defined -%}
        {%- set quoted = source_files(source_name, name) | replace("'", "''") -%}
        {%- set fetched.files = run_query("select count(*) as n from glob('" ~ quoted ~ "')").rows[0][0] -%}
    {%- endif -%}
    {%- if fetched.files > 0 -%}
        {{ relation }}
    {%- else -%}
        {%- set declared = graph.sources.values()
            | selectattr('source_name', 'equalto', source_name) | selectattr('name', 'equalto', name) | first -%}
        (
            select
            {%- for column in declared.columns.values() %}
                cast(null as {{ column.data_type }}) as {{ column.name }}{{ "," if not loop.last }}
            {%- endfor %}
            where false
        )
    {%- endif -%}
{%- endmacro %}

{#- The day for which the warehouse is built (UTC): that of as-of, else the one that the program names, else today. -#}
{% macro build_day() -%}
    {%- if var("ame_as_of") -%}
        cast(cast('{{ var("ame_as_of") }}' as timestamp) as date)
    {%- elif var("ame_today") -%}
        cast('{{ var("ame_today") }}' as date)
    {%- else -%}
        cast(current_timestamp at time zone 'UTC' as date)
    {%- endif -%}
{%- endmacro %}

{#- How a gap is printed. -#}
{% macro shown_as(reason) -%}
    case {{ reason }}
        when 'not_reported' then 'i.u.'
        when 'suppressed' then '..'
        when 'not_applicable' then '.'
        else {{ reason }}
    end
{%- endmacro %}
