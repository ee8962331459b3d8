select
    metadata.fetch_id,
    metadata.fetched_at,
    metadata.kpi_id,
    metadata.title,
    metadata.description,
    metadata.is_divided_by_gender,
    metadata.municipality_type,
    metadata.operating_area,
    metadata.perspective,
    metadata.prel_publication_date,
    metadata.publication_date,
    metadata.publ_period
from {{ source('kolada', 'kpi_metadata') }} as metadata
where
    exists (
        select 1
        from {{ ref('stg_kolada__measures') }} as measures
        where measures.fetch_id = metadata.fetch_id
    )
