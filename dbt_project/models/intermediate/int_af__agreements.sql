-- Every version of every agreement of Rusta och matcha: a later result file that says the same adds none, a revision opens one, and an
-- agreement that a later file of the same period lacks is withdrawn.
with releases as (
    select
        files.fetch_id,
        files.fetched_at,
        files.vintage,
        files.content_fetch_id,
        files.file_sha256,
        periods.period,
        row_number() over (
            partition by periods.period
            order by files.fetched_at, files.retrieved_at, files.fetch_id, files.file_name, files.file_sha256
        ) as release_order
    from {{ ref('stg_af__files') }} as files
    inner join (
        select distinct
            fetch_id,
            file_sha256,
            period
        from {{ ref('stg_af__rusta_och_matcha') }}
    ) as periods
        on files.content_fetch_id = periods.fetch_id and files.file_sha256 = periods.file_sha256
    where files.is_usable and files.dataset = 'rusta_och_matcha'
),

asserted as (
    select
        releases.release_order,
        releases.fetch_id as release_fetch_id,
        releases.fetched_at,
        releases.vintage,
        agreements.*,
        md5(concat_ws(
            '|',
            {% for column in rom_columns() %}
                coalesce(cast(agreements.{{ column }} as varchar), '~'){{ "," if not loop.last }}
            {% endfor %}
        )) as content
    from releases
    inner join {{ ref('stg_af__rusta_och_matcha') }} as agreements
        on
            releases.content_fetch_id = agreements.fetch_id
            and releases.file_sha256 = agreements.file_sha256
            and releases.period = agreements.period
),

followed as (
    select
        *,
        lead(release_order) over (partition by period, ka_number order by release_order) as next_order
    from asserted
),

assertions as (
    select
        period,
        ka_number,
        release_order,
        release_fetch_id as fetch_id,
        fetched_at,
        vintage,
        content,
        false as is_withdrawn,
        {{ rom_columns() | join(", ") }}
    from asserted
    union all
    select
        followed.period,
        followed.ka_number,
        releases.release_order,
        releases.fetch_id,
        releases.fetched_at,
        releases.vintage,
        'withdrawn' as content,
        true as is_withdrawn,
    {% for column in rom_columns() %}
            {{ "followed." ~ column if column in ("delivery_area", "provider_name", "contract_start",
                "follow_up_from_months", "follow_up_to_months") else "null" }} as {{ column }}
        {{- "," if not loop.last }}
    {% endfor %}
    from followed
    inner join releases on followed.period = releases.period and followed.release_order + 1 = releases.release_order
    where followed.next_order is null or followed.next_order > releases.release_order
),

latest as (
    select *
    from assertions
    qualify row_number() over (partition by period, ka_number, fetched_at order by release_order desc) = 1
),

compared as (
    select
        *,
        row_number() over agreement as assertion_number,
        lag(content) over agreement as previous_content
    from latest
    window agreement as (partition by period, ka_number order by release_order)
)

select
    period,
    ka_number as provider_id,
    fetched_at as valid_from,
    lead(fetched_at) over (partition by period, ka_number order by release_order) as valid_to,
    is_withdrawn,
    fetch_id,
    fetched_at,
    vintage,
    {{ rom_columns() | join(", ") }}
from compared
where assertion_number = 1 or content <> previous_content
