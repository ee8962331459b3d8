-- Rows and cells that could not be typed and were put aside, of the files that are built from.
select
    quarantine.fetch_id,
    files.fetched_at,
    quarantine.file_sha256,
    quarantine.dataset,
    quarantine.sheet_or_cache as table_name,
    quarantine.row_no,
    quarantine.column_name,
    quarantine.reason,
    quarantine.raw
from {{ af_source('quarantine') }} as quarantine
inner join (
    select distinct
        fetch_id,
        fetched_at
    from {{ ref('stg_af__files') }}
) as files on quarantine.fetch_id = files.fetch_id
