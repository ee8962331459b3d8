-- One row per agreement and file.
select
    fetch_id,
    file_sha256,
    period,
    ka_number,
{% for column in rom_columns() %}
    {{ column }}{{ "," if not loop.last }}
{% endfor %}
from {{ af_source('rusta_och_matcha') }}
