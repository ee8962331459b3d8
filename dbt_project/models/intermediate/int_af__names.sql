-- Every spelling of a gender, an age class, a country of birth or a level of education that a file has used, with the category that it
-- means; null where the checked list (seed af_category_names) does not have it.
with used as (
    {% for dimension, column in [
        ("gender", "gender_raw"), ("age", "age_raw"), ("birth", "birth_raw"), ("education", "education_raw")
    ] %}
        select distinct
            '{{ dimension }}' as dimension,
            {{ column }} as raw_name
        from {{ ref('stg_af__jobseekers') }}
        {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    used.dimension,
    used.raw_name,
    names.category
from used
left join {{ ref('af_category_names') }} as names
    on used.dimension = names.dimension and {{ af_name("used.raw_name") }} = names.raw_name
