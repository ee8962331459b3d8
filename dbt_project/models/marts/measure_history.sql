-- What the source's catalogue said of each measure at each fetch; a fetch that says the same again adds no version. That the catalogue lacks
-- a measure is known from the fetches that asked for it.
with said as (
    select
        kpi_id,
        fetch_id,
        fetched_at,
        true as is_in_catalogue,
        title,
        description as definition,
        is_divided_by_gender,
        municipality_type,
        operating_area,
        perspective
    from {{ ref('stg_kolada__kpi_metadata') }}
    union all
    select
        kpi_id,
        fetch_id,
        fetched_at,
        false as is_in_catalogue,
        cast(null as varchar) as title,
        cast(null as varchar) as definition,
        cast(null as boolean) as is_divided_by_gender,
        cast(null as varchar) as municipality_type,
        cast(null as varchar) as operating_area,
        cast(null as varchar) as perspective
    from {{ ref('stg_kolada__measures') }}
    where outcome in ('retired', 'unknown_id')
),

-- of several fetches with the same time of knowledge (the sample read again) the last one counts; the first that said so is named
ranked as (
    select
        *,
        row_number() over (partition by kpi_id, fetched_at order by fetch_id desc, is_in_catalogue desc) as place,
        min(fetch_id) over (
            partition by
                kpi_id, fetched_at, is_in_catalogue, title, definition, is_divided_by_gender, municipality_type,
                operating_area, perspective
        ) as first_fetch_id
    from said
),

latest as (
    select *
    from ranked
    where place = 1
),

compared as (
    select
        *,
        row_number() over fetches as fetch_number,
        concat_ws(
            ', ',
            case when is_in_catalogue is distinct from lag(is_in_catalogue) over fetches then 'is_in_catalogue' end,
            case when title is distinct from lag(title) over fetches then 'title' end,
            case when definition is distinct from lag(definition) over fetches then 'definition' end,
            case
                when is_divided_by_gender is distinct from lag(is_divided_by_gender) over fetches
                    then 'is_divided_by_gender'
            end,
            case
                when municipality_type is distinct from lag(municipality_type) over fetches then 'municipality_type'
            end,
            case when operating_area is distinct from lag(operating_area) over fetches then 'operating_area' end,
            case when perspective is distinct from lag(perspective) over fetches then 'perspective' end
        ) as changed_fields
    from latest
    window fetches as (partition by kpi_id order by fetched_at)
)

select
    catalogue.measure_id,
    compared.kpi_id,
    compared.fetched_at as valid_from,
    lead(compared.fetched_at) over (partition by compared.kpi_id order by compared.fetched_at) as valid_to,
    compared.is_in_catalogue,
    compared.title,
    compared.definition,
    compared.is_divided_by_gender,
    compared.municipality_type,
    compared.operating_area,
    compared.perspective,
    case when compared.fetch_number > 1 then compared.changed_fields end as changed_fields,
    compared.first_fetch_id as fetch_id
from compared
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on compared.kpi_id = catalogue.kpi_id
where compared.fetch_number = 1 or compared.changed_fields <> ''
order by catalogue.measure_id, compared.fetched_at
