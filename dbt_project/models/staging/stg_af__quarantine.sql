-- Rows and cells that could not be typed and were put aside, of the files that are built from.
select
    quarantine.fetch_id,
    quarantine.file_sha256,
    quarantine.dataset,
    quarantine.sheet_or_cache as table_name,
    quarantine.row_no,
    quarantine.column_name,
    quarantine.reason,
    quarantine.raw
from {{ af_source('quarantine') }} as quarantine
where
    exists (
        select 1
        from {{ ref('stg_af__files') }} as files
        where files.fetch_id = quarantine.fetch_id
    )
