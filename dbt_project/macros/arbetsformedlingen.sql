{#- A name as it is compared: composed letters, lower case, single blanks, hyphen for dash; '(blank)' for an empty cell. -#}
{% macro af_name(expression) -%}
    coalesce(
        nullif(
            trim(
                regexp_replace(
                    replace(replace(lower(nfc_normalize({{ expression }})), '–', '-'), chr(160), ' '), '\s+', ' ', 'g'
                )
            ),
            ''
        ),
        '(blank)'
    )
{%- endmacro %}

{#- The same for a place: a code before the name is no part of it ('0180 Stockholm'). A genitive s is never touched. -#}
{% macro af_place_name(expression) -%}
    coalesce(nullif(regexp_replace({{ af_name(expression) }}, '^[0-9]{2,4}[ .:-]+', ''), ''), '(blank)')
{%- endmacro %}

{#- A parsed table of Arbetsförmedlingen; before the first fetch there are no files. -#}
{% macro af_source(name) -%}
    {{ source_or_empty('arbetsformedlingen', name) }}
{%- endmacro %}

{#- What the figures are: those of the generated sample are synthetic wherever they appear. -#}
{% macro af_origin() -%}
    '{{ "synthetic" if var("ame_mode") == "sample" else "af" }}'
{%- endmacro %}

{#- Window over one cell of one table of AF's files. -#}
{% macro af_cell(alias="") -%}
    {%- set dot = alias ~ "." if alias else "" -%}
    {%- for column in ["dataset", "table_name", "is_built", "measure_id", "place_kind", "place_id", "month", "gender",
        "age_group"] -%}
        {{ dot }}{{ column }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- A cell in one number, whichever table holds it. -#}
{% macro af_cell_key(alias) -%}
    hash(
        {%- for column in ["measure_id", "place_kind", "place_id", "month", "gender", "age_group"] -%}
            {{ alias }}.{{ column }}{{ ", " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{#- The columns of an agreement in the result file of Rusta och matcha. -#}
{% macro rom_columns() -%}
    {{ return(["delivery_area", "provider_name", "contract_start", "is_active_22_months", "rating", "rating_raw",
               "weighted_result", "is_rating_1_or_none", "is_below_0_2", "is_risk_of_termination", "participants",
               "participants_a", "participants_b", "participants_c", "rr1_a", "rr1_b", "rr1_c", "rr2_a", "rr2_b",
               "rr2_c", "weight_a", "weight_b", "weight_c", "follow_up_from_months", "follow_up_to_months"]) }}
{%- endmacro %}

{#- The lists of names are joined to millions of rows in the order in which they are written: the planner, which misjudges
    the size of the files, would hold the rows in memory instead of the names. -#}
{% macro af_join_as_written() -%}
    set disabled_optimizers = 'join_order,build_side_probe_side'
{%- endmacro %}
