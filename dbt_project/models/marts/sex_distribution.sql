with cells as (
    select
        municipality_id,
        year,
        gender,
        value,
        missing_reason
    from {{ ref('int_measures__cells') }}
    where
        measure_id = 'ame_participants_total'
        and gender in ('K', 'M')
        and (is_expected or is_observed)
),

pivoted as (
    select
        municipality_id,
        year,
        max(case when gender = 'M' then value end) as men,
        max(case when gender = 'K' then value end) as women,
        max(case when gender = 'M' then missing_reason end) as men_reason,
        max(case when gender = 'K' then missing_reason end) as women_reason
    from cells
    group by municipality_id, year
),

reasoned as (
    select
        pivoted.municipality_id,
        pivoted.year,
        pivoted.men,
        pivoted.women,
        pivoted.men + pivoted.women as men_and_women,
        case
            when pivoted.men is null
                then
                    coalesce(
                        pivoted.men_reason,
                        {{ outside_reason(
                            'pivoted.year', 'years.first_year', 'years.last_year',
                            'years.discontinued_last_year', 'years.is_asked'
                        ) }}
                    )
        end as men_missing_reason,
        case
            when pivoted.women is null
                then
                    coalesce(
                        pivoted.women_reason,
                        {{ outside_reason(
                            'pivoted.year', 'years.first_year', 'years.last_year',
                            'years.discontinued_last_year', 'years.is_asked'
                        ) }}
                    )
        end as women_missing_reason
    from pivoted
    left join {{ ref('int_measures__years') }} as years on years.measure_id = 'ame_participants_total'
)

select
    reasoned.municipality_id,
    places.municipality,
    reasoned.year,
    reasoned.men,
    reasoned.men_missing_reason,
    reasoned.women,
    reasoned.women_missing_reason,
    {{ stable("reasoned.men * 100.0 / nullif(reasoned.men_and_women, 0)") }} as men_share_pct,
    {{ stable("reasoned.women * 100.0 / nullif(reasoned.men_and_women, 0)") }} as women_share_pct,
    case
        when reasoned.men_and_women = 0 then null
        when reasoned.men > reasoned.women then 'men_over'
        when reasoned.men < reasoned.women then 'women_over'
        when reasoned.men = reasoned.women then 'equal'
    end as sex_class,
    case
        when reasoned.men_and_women = 0 then 'not_applicable'
        else coalesce(reasoned.men_missing_reason, reasoned.women_missing_reason)
    end as missing_reason,
    coalesce(reasoned.men_and_women < {{ var("small_base_persons") }}, false) as is_small_base
from reasoned
left join {{ ref('stg_places') }} as places on reasoned.municipality_id = places.municipality_id
order by reasoned.municipality_id asc, reasoned.year asc
