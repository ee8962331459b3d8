select
    compositions.composition_id,
    compositions.kpi_id,
    catalogue.measure_id,
    catalogue.topic,
    compositions.category_id,
    compositions.valid_from_year,
    compositions.valid_to_year,
    compositions.confidence,
    nullif(compositions.note, '') as note
from {{ ref('kpi_compositions') }} as compositions
inner join {{ ref('stg_kolada__catalogue') }} as catalogue on compositions.kpi_id = catalogue.kpi_id
