select
    id as municipality_id,
    title as municipality,
    type,
    nullif(county_code, '') as county_code,
    nullif(county_name, '') as county_name
from {{ ref('municipalities') }}
