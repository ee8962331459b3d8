-- The days from 1990 to 2050: the time spine that metrics over time need. Not published.
with days as (
    {{ date_spine("day", "cast('1990-01-01' as date)", "cast('2051-01-01' as date)") }}
)

select cast(date_day as date) as calendar_day
from days
