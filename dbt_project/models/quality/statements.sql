-- Each statement against what was known when the report was made (its vintage), and against what is known now.
with told as (
    select
        statements.*,
        versions.year as version_year,
        versions.value,
        versions.valid_to,
        versions.valid_from < cast(statements.vintage_date as timestamp) + interval '1' day
        and (
            versions.valid_to is null
            or versions.valid_to >= cast(statements.vintage_date as timestamp) + interval '1' day
        ) as was_known,
        -- on a day before the first fetch of a measure nothing is known of it
        min(versions.valid_from) over (partition by statements.measure_id, statements.statement_id) as known_since
    from {{ ref('report_statements') }} as statements
    left join {{ ref('int_observations__versions') }} as versions
        on
            statements.measure_id = versions.measure_id
            and statements.municipality_id = versions.municipality_id
            and versions.gender = 'T'
),

counted as (
    select
        statement_id,
        min(known_since) as known_since,
        sum(case when was_known and value is not null and (year is null or version_year = year) then 1 else 0 end)
            as n_values_then,
        sum(
            case when valid_to is null and value is not null and (year is null or version_year = year) then 1 else 0 end
        ) as n_values_now
    from told
    group by statement_id
),

judged as (
    select
        statements.*,
        counted.known_since < cast(statements.vintage_date as timestamp) + interval '1' day as is_comparable,
        (counted.n_values_then > 0) = (statements.kind = 'reported') as is_true_then,
        (counted.n_values_now > 0) = (statements.kind = 'reported') as is_true_now
    from {{ ref('report_statements') }} as statements
    left join counted on statements.statement_id = counted.statement_id
)

select
    judged.statement_id,
    judged.report,
    judged.vintage_date,
    judged.statement,
    judged.said_in,
    judged.kind,
    judged.measure_id,
    judged.municipality_id,
    places.municipality,
    judged.year,
    judged.is_expected,
    case when judged.is_comparable then judged.is_true_then end as is_true_then,
    case when judged.is_comparable then judged.is_true_now end as is_true_now,
    case
        when not coalesce(judged.is_comparable, false) then 'not_comparable'
        when judged.is_true_then <> judged.is_expected then 'not_as_printed'
        when judged.is_true_now <> judged.is_expected then 'changed_since'
        else 'same'
    end as verdict,
    judged.note
from judged
inner join {{ ref('stg_places') }} as places on judged.municipality_id = places.municipality_id
order by judged.statement_id
