select
    column_name,
    column_type,
    column_name || ' ' || column_type as column_and_type
from (describe select * from landing_observations)
order by column_name
