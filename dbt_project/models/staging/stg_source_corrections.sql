-- The register of known errors of the source, and whether each entry is in force on the day of the build.
select
    measure_id,
    municipality_id,
    year,
    gender,
    source_value,
    corrected_value,
    correction_source,
    corrected_by,
    corrected_on,
    expires_on,
    note,
    corrected_on <= {{ build_day() }} and expires_on >= {{ build_day() }} as is_in_force
from {{ ref('source_corrections') }}
