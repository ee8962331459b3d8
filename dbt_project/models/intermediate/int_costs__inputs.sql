-- One row per municipality, year and input of the cost mart, with its value or the reason why it has none.
{% set inputs = {
    "net_cost": "lmp_net_cost_per_inhabitant",
    "gross_cost": "lmp_gross_cost_per_inhabitant",
    "income": "lmp_revenue_per_inhabitant",
    "population": "population_total",
    "participants": "ame_participants_total",
} %}
with inputs as (
    {% for input, measure_id in inputs.items() %}
        select
            '{{ input }}' as input,
            '{{ measure_id }}' as measure_id
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

cells as (
    select
        inputs.input,
        cells.measure_id,
        cells.municipality_id,
        cells.year,
        cells.value,
        cells.missing_reason,
        cells.is_preliminary,
        cells.is_corrected,
        cells.fetched_at,
        cells.vintage,
        cells.is_expected or cells.is_observed as is_reason_for_row
    from {{ ref('int_measures__cells') }} as cells
    inner join inputs on cells.measure_id = inputs.measure_id
    where cells.gender = 'T'
),

needed as (
    select distinct
        municipality_id,
        year
    from cells
    where is_reason_for_row and input <> 'population'
)

select
    needed.municipality_id,
    needed.year,
    inputs.input,
    cells.value,
    case
        when cells.measure_id is not null then cells.missing_reason
        when years.measure_id is null then 'not_loaded'
        else
            {{ outside_reason(
                'needed.year', 'years.first_year', 'years.last_year', 'years.discontinued_last_year',
                was_asked()
            ) }}
    end as missing_reason,
    coalesce(cells.is_preliminary, false) as is_preliminary,
    coalesce(cells.is_corrected, false) as is_corrected,
    cells.fetched_at,
    cells.vintage
from needed
cross join inputs
left join cells
    on
        needed.municipality_id = cells.municipality_id
        and needed.year = cells.year
        and inputs.input = cells.input
left join {{ ref('int_measures__years') }} as years on inputs.measure_id = years.measure_id
{{ join_asked("inputs.measure_id", "needed.municipality_id", "needed.year") }}
