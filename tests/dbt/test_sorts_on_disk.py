"""The longest mart is sorted in little memory: what does not fit goes to the disk."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from ame_warehouse.settings import PROJECT_ROOT

MODEL = PROJECT_ROOT / "dbt_project" / "models" / "marts" / "observation_history.sql"
ROWS = 400_000
# Versions as both sources have them, `rows` of them in no order.
VERSIONS = """
create table {name} as
select
    'arbetsformedlingen' as source, 'measure_of_some_length_' || (i % 140) as measure_id,
    lpad((i // 140 % 290)::varchar, 4, '0') as municipality_id, 'municipality' as place_kind,
    municipality_id as place_id, (1990 + i // 40600)::varchar || '-01' as period, 'T' as gender,
    'total' as age_group, timestamp '2024-01-31' + to_seconds(i % 1000) as valid_from,
    null::timestamp as valid_to, 1990 + (i // 40600)::integer as year, make_date(year, 1, 1) as month,
    i / 7 as value, null::varchar as missing_reason, 'printed as ' || i as source_status,
    'N' || (i % 140) as kpi_id, valid_from as fetched_at, '20240131T000000000000Z-' || (i % 9) as fetch_id,
    false as is_preliminary, false as is_released, '2024-01-31' as vintage
from range({rows}) as numbers (i)
order by hash(i)
"""


def test_the_history_is_sorted_with_a_tenth_of_the_usual_memory(tmp_path: Path) -> None:
    """Straight out of a union the same sort ends with an out-of-memory error."""
    model = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", MODEL.read_text(encoding="utf-8"))
    model = re.sub(r"'\{\{ \"as_printed\".*?\}\}'|\{\{ af_origin\(\) \}\}", "'x'", model)
    with duckdb.connect(str(tmp_path / "candidate.duckdb")) as con:
        con.execute(VERSIONS.format(name="int_observations__versions", rows=1_000))
        con.execute(VERSIONS.format(name="int_af__versions", rows=ROWS))
        con.execute("set memory_limit = '100MB'; set threads = 2")
        con.execute(f"create table observation_history as {model}")
        assert con.execute("select count(*) from observation_history").fetchone() == (ROWS + 1_000,)
