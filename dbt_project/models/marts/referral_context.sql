with referral_shares as (
    select
        municipality_id,
        year,
    {% for source in ["af", "af_with_social_services", "af_total", "social_services"] %}
        max(share_pct) filter (where referral_source = '{{ source }}') as {{ source }}_share_pct,
        max(missing_reason) filter (where referral_source = '{{ source }}') as {{ source }}_missing_reason,
        count(*) filter (where referral_source = '{{ source }}') as {{ source }}_rows{{ "," if not loop.last }}
    {% endfor %}
    from {{ ref('referrals') }}
    group by municipality_id, year
),

af_spans as (
    select
        measure_id,
        year(min(month)) as first_year,
        year(max(month)) as last_year
    from {{ ref('int_af__versions') }}
    where place_kind = 'municipality'
    group by measure_id
),

kolada_values as (
    select
        shares.municipality_id,
        shares.year,
        context.kind,
        context.measure_id,
        cells.value,
        case
            when cells.measure_id is not null then cells.missing_reason
            when years.measure_id is null then 'not_loaded'
            else
                {{ outside_reason(
                    'shares.year', 'years.first_year', 'years.last_year', 'years.discontinued_last_year',
                    was_asked()
                ) }}
        end as missing_reason,
        catalogue.unit,
        catalogue.denominator,
        cast(null as varchar) as denominator_basis,
        cast(null as varchar) as age_span,
        cells.is_preliminary,
        cells.vintage,
        catalogue.title_sv as measure,
        'kolada' as source,
        '{{ "as_printed" if var("ame_mode") == "sample" else "api" }}' as origin
    from referral_shares as shares
    cross join {{ ref('af_context_measures') }} as context
    inner join {{ ref('stg_kolada__catalogue') }} as catalogue on context.measure_id = catalogue.measure_id
    left join {{ ref('int_measures__years') }} as years on context.measure_id = years.measure_id
    left join {{ ref('int_measures__cells') }} as cells
        on
            context.measure_id = cells.measure_id
            and shares.municipality_id = cells.municipality_id
            and shares.year = cells.year
            and cells.gender = 'T'
    {{ join_asked("context.measure_id", "shares.municipality_id", "shares.year") }}
),

af_values as (
    select
        shares.municipality_id,
        shares.year,
        context.kind,
        context.measure_id,
        yearly.mean_value as value,
        case
            when yearly.measure_id is not null then yearly.missing_reason
            when af_spans.measure_id is null then 'not_loaded'
            when shares.year > year(measures.denominator_last_month) then 'discontinued'
            when shares.year < af_spans.first_year then 'not_applicable'
            when shares.year > af_spans.last_year then 'not_yet_published'
            else '{{ "not_loaded" if var("ame_mode") == "sample" else "not_reported" }}'
        end as missing_reason,
        measures.unit,
        measures.denominator,
        measures.denominator_basis,
        yearly.age_span,
        false as is_preliminary,
        yearly.vintage,
        measures.title_sv as measure,
        'arbetsformedlingen' as source,
        {{ af_origin() }} as origin
    from referral_shares as shares
    cross join {{ ref('af_context_measures') }} as context
    inner join {{ ref('stg_af__measures') }} as measures on context.measure_id = measures.measure_id
    left join af_spans on context.measure_id = af_spans.measure_id
    left join {{ ref('int_af__yearly') }} as yearly
        on
            context.measure_id = yearly.measure_id
            and shares.municipality_id = yearly.municipality_id
            and shares.year = yearly.year
            and yearly.gender = 'T'
            and yearly.age_group = 'total'
),

context_values as (
    select * from kolada_values
    union all
    select * from af_values
)

select
    context_values.municipality_id,
    places.municipality,
    context_values.year,
    context_values.measure_id,
    context_values.kind,
    context_values.measure,
    {% for source in ["af", "af_with_social_services", "af_total", "social_services"] %}
        shares.{{ source }}_share_pct,
        case
            -- live every source valid in the year has its row; in the sample only those that are printed
            when shares.{{ source }}_rows = 0
                then '{{ "not_loaded" if var("ame_mode") == "sample" else "not_applicable" }}'
            else shares.{{ source }}_missing_reason
        end as {{ source }}_missing_reason,
    {% endfor %}
    context_values.value,
    context_values.unit,
    context_values.missing_reason,
    context_values.denominator,
    context_values.denominator_basis,
    context_values.age_span,
    coalesce(context_values.is_preliminary, false) as is_preliminary,
    context_values.vintage,
    context_values.source,
    context_values.origin
from context_values
inner join referral_shares as shares
    on context_values.municipality_id = shares.municipality_id and context_values.year = shares.year
inner join {{ ref('stg_places') }} as places on context_values.municipality_id = places.municipality_id
order by context_values.municipality_id, context_values.year, context_values.kind, context_values.measure_id
