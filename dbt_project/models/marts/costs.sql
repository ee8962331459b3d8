with pivoted as (
    select
        municipality_id,
        year,
        {% for input in ["net_cost", "gross_cost", "income", "population", "participants"] %}
            max(case when input = '{{ input }}' then value end) as {{ input }},
            max(case when input = '{{ input }}' then missing_reason end) as {{ input }}_missing_reason,
        {% endfor %}
        bool_or(input in ('net_cost', 'gross_cost', 'income') and is_preliminary) as is_preliminary,
        coalesce(bool_or(is_corrected), false) as is_corrected,
        max(fetched_at) as fetched_at,
        max(vintage) as vintage
    from {{ ref('int_costs__inputs') }}
    group by municipality_id, year
),

derived as (
    select
        *,
        net_cost * population as net_cost_sek,
        coalesce(net_cost_missing_reason, population_missing_reason) as net_cost_sek_missing_reason,
        case
            when participants = 0 then null
            else net_cost * population / participants
        end as net_cost_sek_per_participant,
        case
            when participants = 0 then 'not_applicable'
            else coalesce(net_cost_missing_reason, population_missing_reason, participants_missing_reason)
        end as missing_reason
    from pivoted
)

select
    derived.municipality_id,
    places.municipality,
    derived.year,
    derived.net_cost as net_cost_sek_per_inhabitant,
    derived.net_cost_missing_reason,
    derived.gross_cost as gross_cost_sek_per_inhabitant,
    derived.gross_cost_missing_reason,
    derived.income as income_sek_per_inhabitant,
    derived.income_missing_reason,
    derived.population,
    derived.population_missing_reason,
    derived.participants,
    derived.participants_missing_reason,
    {{ stable("derived.net_cost_sek") }} as net_cost_sek,
    derived.net_cost_sek_missing_reason,
    {{ stable("derived.net_cost_sek_per_participant") }} as net_cost_sek_per_participant,
    derived.missing_reason,
    concat_ws(
        ',',
        case when derived.net_cost is null then 'net_cost' end,
        case when derived.population is null then 'population' end,
        case when derived.participants is null then 'participants' end
    ) as missing_inputs,
    derived.is_preliminary,
    'ame-warehouse: net cost per inhabitant × population / participants' as derived_by,
    derived.is_corrected,
    derived.fetched_at,
    derived.vintage
from derived
left join {{ ref('stg_places') }} as places on derived.municipality_id = places.municipality_id
order by derived.municipality_id asc, derived.year asc
