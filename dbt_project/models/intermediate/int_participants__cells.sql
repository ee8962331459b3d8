-- Participants beside those of the year before and the population of the same municipality, year and gender.
with participants as (
    select *
    from {{ ref('int_measures__cells') }}
    where measure_id = 'ame_participants_total'
),

population as (
    select *
    from {{ ref('int_measures__cells') }}
    where measure_id = 'population_total'
)

select
    participants.municipality_id,
    participants.year,
    participants.gender,
    participants.value as participants,
    participants.missing_reason,
    before.value as participants_before,
    case
        when participants.missing_reason is not null then participants.missing_reason
        when before.measure_id is not null then before.missing_reason
        else {{ outside_reason("participants.year - 1", "years.first_year", "years.last_year",
                               "years.discontinued_last_year", was_asked("_before")) }}
    end as change_missing_reason,
    population.value as population,
    case
        when population.measure_id is not null then population.missing_reason
        else {{ outside_reason("participants.year", "population_years.first_year", "population_years.last_year",
                               "population_years.discontinued_last_year", was_asked("_population")) }}
    end as population_missing_reason,
    participants.is_expected,
    participants.fetched_at,
    participants.vintage,
    participants.is_corrected
from participants
left join participants as before
    on
        participants.municipality_id = before.municipality_id
        and participants.gender = before.gender
        and participants.year = before.year + 1
left join population
    on
        participants.municipality_id = population.municipality_id
        and participants.gender = population.gender
        and participants.year = population.year
left join {{ ref('int_measures__years') }} as years on participants.measure_id = years.measure_id
left join {{ ref('int_measures__years') }} as population_years on population_years.measure_id = 'population_total'
{{ join_asked("participants.measure_id", "participants.municipality_id", "participants.year - 1", "_before") }}
{{ join_asked("'population_total'", "participants.municipality_id", "participants.year", "_population") }}
