"""The atlas at the size of the whole country: time, peak memory, files.

    python scripts/bench/bench_atlas.py [MEASURES]

Copies the published version of AME_HOME and replaces its facts by made-up ones: 290 municipalities and riket
× MEASURES (60) × 15 years × 3 genders. Prints one JSON document.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import duckdb

from ame_warehouse.atlas import build
from ame_warehouse.settings import Settings, load_settings

SCOPE = """
create temp table places as
select municipality_id, municipality from marts.dim_municipality where type = 'K' or municipality_id = '0000';
create temp table measures as
select measure_id, kpi_id, unit, topic from marts.dim_measure
where kpi_id is not null and mart <> 'jobseekers_monthly'
order by topic not in ('participants', 'referrals', 'education', 'enrolment_length', 'costs'), measure_id
limit {measures};
create temp table cells as
select
    measure_id, kpi_id, unit, topic, municipality_id, municipality, year::integer as year, gender,
    case when hash(measure_id, municipality_id, year) % 12 > 0
        then round((hash(measure_id, municipality_id, year, gender) % 1000) / 10.0, 1) end as value,
    case when hash(measure_id, municipality_id, year) % 12 = 0 then 'not_reported' end as missing_reason
from measures, places, range(2011, 2026) as y (year), unnest(['T', 'K', 'M']) as g (gender);
"""
FACTS = {
    "marts.observations": """
        select 'kolada' as source, *, year::varchar as period, timestamp '2026-01-01' as fetched_at,
            false as is_preliminary, '2026-01-01' as vintage, 'live' as origin from cells""",
    "marts.observation_history": """
        select 'kolada' as source, *, year::varchar as period, '2026-01-01' as vintage, 'live' as origin,
            timestamp '2025-01-01' + to_days(v::integer * 200) as valid_from, false as is_preliminary
        from cells, range(2) as t (v)
        where v = 0 or hash(measure_id, municipality_id, year) % 3 = 0""",
    "quality.gaps": """
        select *, 'i.u.' as shown_as, 'chronic' as kind, timestamp '2026-01-01' as first_seen_at
        from cells where gender = 'T' and missing_reason is not null and municipality_id <> '0000'""",
    "quality.coverage": """
        select measure_id, year, 290 as n_expected, count(value)::integer as n_reported,
            count(value) / 2.9 as coverage_pct from cells where gender = 'T' group by all""",
    "marts.group_summary": """
        select group_id, year, gender, measure_id, n_members::integer as n_members,
            (n_members - 1)::integer as n_reporting, '1480' as missing_municipality_ids,
            false as is_thinly_reported, 12.3 as mean_unweighted, 12.4 as mean_weighted, 99.0 as max_value,
            12.5 as mean_constant_panel, 9 as panel_n, 'population_total' as weight_measure_id
        from marts.dim_group, (select distinct measure_id, year, gender from cells)""",
    "marts.pair_comparison": """
        select 'LOKA_PAIR_1' as group_id, year, gender, measure_id, '1462' as municipality_id_a,
            '2282' as municipality_id_b, -1.0 as difference
        from (select distinct measure_id, year, gender from cells)""",
    "marts.against_riket": """
        select *, 10.0 as riket_value, 1.0 as difference from cells where year > 2020""",
}


def main() -> None:
    """Make the data and the site, and print what it took."""
    measures = int(sys.argv[1]) if sys.argv[1:] else 60
    home = Path(tempfile.mkdtemp(prefix="amebench"))
    try:
        source = load_settings().published
        (home / "published").mkdir()
        shutil.copy(source / "manifest.json", home / "published")
        cells = enlarge(source / "warehouse.duckdb", home / "published" / "warehouse.duckdb", measures)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        made = build.make(Settings(home=home, _env_file=None))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        largest = {
            folder: max(path.stat().st_size for path in (home / "atlas" / "data" / folder).glob("*.json"))
            for folder in ("place", "measure", "gaps", "group", "history")
        }
        found = {"cells": cells, **asdict(made), "peak_mb_before": before // 1024, "peak_mb": peak // 1024}
        found.pop("folder")
        print(json.dumps({**found, "largest_file_bytes": largest}, indent=2))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def enlarge(source: Path, target: Path, measures: int) -> int:
    """Copy the published file with made-up facts; return the number of cells."""
    shutil.copy(source, target)
    with duckdb.connect(str(target)) as con:
        con.execute("set memory_limit = '500MB'")
        for statement in SCOPE.format(measures=measures).split(";\n"):
            if statement.strip():
                con.execute(statement)
        for table, query in FACTS.items():
            con.execute(f"create or replace table {table} as from {table} limit 0")
            names = {row[0] for row in con.execute(f"describe {table}").fetchall()}
            made = [row[0] for row in con.execute(f"describe {query}").fetchall() if row[0] in names]
            con.execute(f"insert into {table} by name select {', '.join(made)} from ({query})")
        found = con.execute("select count(*) from cells").fetchone()
    return int(found[0]) if found else 0


if __name__ == "__main__":
    main()
