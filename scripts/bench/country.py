"""A made-up country for the benchmarks: every municipality, every KPI, every year; AF's long history.

No figure in it is real. Kolada's part is answered by the test server, so that it is fetched and parsed as a
live one; AF's is written as parsed files, in the columns of `ame_warehouse.arbetsformedlingen.schema` (how
fast workbooks are read is measured by `bench_pivot.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ame_warehouse.arbetsformedlingen.schema import TABLES
from ame_warehouse.settings import Settings

SOURCE = "arbetsformedlingen"
LISTS = {
    "gender_raw": ["Kvinnor", "Män"],
    "age_raw": ["18-24", "25-29", "30-39", "40-49", "50-59", "60-64"],
    "education_raw": ["Förgymnasial", "Gymnasial", "Eftergymnasial", "Uppgift saknas"],
    "birth_raw": ["Sverige", "Utrikes"],
}
AGES_OF_PIVOT = ["16-19", "20-24", "25-29", "30-34", "35-39", "40-44", "45-49", "50-54", "55-59", "60-64"]
BIRTHS_OF_PIVOT = ["Sverige", "Europa", "Utanför Europa"]
TIMES = ["ARBETSLOSA", "UA06", "UA12", "UA24"]
# (dataset, table, first month, measures, lists of the dimensions)
SHEETS: list[tuple[str, str, str, list[str], dict[str, list[str]]]] = [
    ("tid_utan_arbete_lan_kom", "Total", "2006-01-01", TIMES, {}),
    *(
        ("tid_utan_arbete_lan_kom", sheet, "2006-01-01", TIMES, {column: LISTS[column]})
        for sheet, column in (
            ("Kön", "gender_raw"),
            ("Ålder", "age_raw"),
            ("Utbildningsnivå", "education_raw"),
            ("Födelseland", "birth_raw"),
        )
    ),
    *(
        ("sok_lan_kom", sheet, "1996-01-01", ["INSAL"], {"gender_raw": ["K", "M"], column: values})
        for sheet, column, values in (
            ("age", "age_raw", AGES_OF_PIVOT),
            ("birth", "birth_raw", BIRTHS_OF_PIVOT),
            ("education", "education_raw", LISTS["education_raw"]),
        )
    ),
]
PLACES_SQL = """
create table places as
select county_name as county_raw, title as municipality_raw, 1 + hash(id) % 40 as size
from read_csv($seed, all_varchar = true)
where type = 'K'
union all
select distinct county_name, 'Uppgift saknas', 1
from read_csv($seed, all_varchar = true)
where county_name is not null
"""
# One release in fifty changes a figure that was printed before.
ROWS_SQL = """
select
    municipality_raw, county_raw, measure_raw, {dimensions}
    strftime(month, '%Y-%m') as period,
    case when hash(municipality_raw, month, {spread} {release}) % 50 = 0 then {release} else 0 end
    + size * 3 + hash(municipality_raw, month, measure_raw, {spread} 1) % 60 as persons
from places
cross join (
    select unnest(generate_series(date '{first}', date '{last}', interval 1 month))::date as month
)
cross join (select unnest({measures}) as measure_raw)
{joins}
"""
WRITTEN_SQL = """
select
    '{fetch_id}' as fetch_id, '{sha}' as file_sha256, '{dataset}' as dataset, '{table}' as sheet_or_cache,
    * exclude (persons),
    case when persons not between 1 and 4 then persons::double end as value,
    case when persons between 1 and 4 then '<5' end as raw_text,
    persons between 1 and 4 as is_masked,
    0::bigint as row_no
from ({rows})
"""


def releases(settings: Settings, numbers: range, since: str = "1996-01-01") -> int:
    """Write monthly releases of AF's history, each as a fetch of its own; return the rows.

    Release 0 is that of January 2024; each has all months from `since`, or from where its sheet begins.
    """
    written = 0
    with duckdb.connect(config={"memory_limit": "2GB"}) as con:
        con.execute(PLACES_SQL, {"seed": str(settings.seeds / "municipalities.csv")})
        for number in numbers:
            written += _release(con, settings.observations / f"source={SOURCE}", number, since)
    return written


def _release(con: duckdb.DuckDBPyConnection, root: Path, number: int, since: str) -> int:
    """Write one release; return its rows."""
    year, month = 2024 + number // 12, number % 12 + 1
    last = f"{year}-{month:02d}"
    fetch_id = f"{year}{month:02d}28T000000000000Z-{number:06x}"
    folder = root / f"fetch={fetch_id}"
    folder.mkdir(parents=True, exist_ok=True)
    selects, datasets = [], dict.fromkeys(sheet[0] for sheet in SHEETS)
    for dataset, table, first, measures, lists in SHEETS:
        rows = ROWS_SQL.format(
            dimensions="".join(f"{column}, " for column in lists),
            spread="".join(f"{column}, " for column in lists),
            joins="\n".join(f"cross join (select unnest({values}) as {c})" for c, values in lists.items()),
            first=max(first, since),
            last=f"{last}-01",
            measures=measures,
            release=number,
        )
        sha = f"{dataset}-{last}"
        selects.append(
            WRITTEN_SQL.format(fetch_id=fetch_id, sha=sha, dataset=dataset, table=table, rows=rows)
        )
    names = [field.name for field in TABLES["jobseekers"]]
    empty = "select " + ", ".join(f"null::{_sql_type(f)} as {f.name}" for f in TABLES["jobseekers"])
    union = " union all by name ".join([f"({empty} where false)", *selects])
    target = str(folder / "jobseekers.parquet").replace("'", "''")
    con.execute(f"copy (select {', '.join(names)} from ({union})) to '{target}' (compression zstd)")
    moment = f"{last}-28 00:00:00"
    files = [
        {
            "fetch_id": fetch_id,
            "source": SOURCE,
            "mode": "live",
            "fetched_at": moment,
            "retrieved_at": moment,
            "vintage": moment[:10],
            "dataset": dataset,
            "file_name": f"{dataset}-{last}.xlsx",
            "period_last": last,
            "file_sha256": f"{dataset}-{last}",
            "content_fetch_id": fetch_id,
            "outcome": "new",
            "is_stale": False,
        }
        for dataset in datasets
    ]
    for name, schema in TABLES.items():
        if name != "jobseekers":
            _write(folder / f"{name}.parquet", schema, files if name == "files" else [])
    found = con.execute(f"select count(*) from '{target}'").fetchone()
    return int(found[0]) if found else 0


def _write(path: Path, schema: Any, rows: list[dict[str, Any]]) -> None:
    from datetime import datetime

    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    typed = [
        {
            field.name: datetime.fromisoformat(row[field.name])
            if field.name in times
            else row.get(field.name)
            for field in schema
        }
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(typed, schema=schema), path)


def _sql_type(field: Any) -> str:
    kinds = {"double": "double", "bool": "boolean", "int64": "bigint"}
    return kinds.get(str(field.type), "varchar")
