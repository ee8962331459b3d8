"""Every SQL block of the handbook for analysts gives the answer below it, and the printed tables."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest
from psycopg import conninfo
from tests.handbook.answers import PAGE, Block, Rows, answered, blocks, duck, table
from tests.pipeline.home import SampleRun
from tests.serve.postgres_server import server

from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.serve import postgres
from ame_warehouse.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.pipeline
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = blocks(TEXT)
PRINTED = PROJECT_ROOT / "dbt_project" / "seeds" / "printed_report_tables.csv"
WITHOUT_MEASURE = "_total_share"  # the printed 100 of each row
RENAMED = {"skr_municipality_group"}


@pytest.fixture(scope="module")
def published(sample_run: SampleRun) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(sample_run.home / "published" / "warehouse.duckdb"), read_only=True) as con:
        yield con


def test_there_are_ten_questions_with_every_table_of_the_two_reports() -> None:
    assert [int(number) for number in re.findall(r"<!-- q:(\d+) -->", TEXT)] == list(range(1, 11))
    assert {block.question for block in BLOCKS} == set(range(1, 11))
    with PRINTED.open(encoding="utf-8") as handle:
        printed = {row["table_file"] for row in csv.DictReader(handle)}
    assert len(printed) == 18
    assert Counter(name for block in BLOCKS for name in block.tables) == Counter(printed)
    assert all(block.answer for block in BLOCKS)


def test_the_answers_are_those_of_the_sample(published: duckdb.DuckDBPyConnection) -> None:
    """`python -m tests.handbook.answers data/published/warehouse.duckdb` writes them anew."""
    run = duck(published)
    for block in BLOCKS:
        assert block.answer == table(run(block.sql)), block.sql
    assert answered(TEXT, run) == TEXT


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.tables], ids=lambda block: block.tables[0]
)
def test_a_table_has_the_figures_that_the_report_prints(
    block: Block, published: duckdb.DuckDBPyConnection
) -> None:
    """Municipality by municipality, each printed number and each printed i.u., as often as it is printed."""
    _, rows = duck(published)(block.sql)
    answer: dict[str, Counter[str]] = {}
    for row in rows:
        cells = [cell for value in row for cell in str(value).split(" ") if value is not None]
        place = next(str(value) for value in row if str(value).split(" (")[0] in PLACES).split(" (")[0]
        answer.setdefault(place, Counter()).update(number(cell) for cell in cells)
    expected: dict[str, Counter[str]] = {}
    for row in PLACED:
        if row["table_file"] in block.tables and not row["measure"].endswith(WITHOUT_MEASURE):
            text = row["value"] or ("" if row["measure"] in RENAMED else row["raw_text"])
            expected.setdefault(row["municipality"], Counter()).update([number(text)] if text else [])
    assert set(answer) == set(expected)
    for place, wanted in expected.items():
        assert wanted <= answer[place], (place, wanted - answer[place])


def number(text: str) -> str:
    """`7.0` and `7` are the same number; other text stays."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


with PRINTED.open(encoding="utf-8") as _handle:
    PLACED = list(csv.DictReader(_handle))
PLACES = {row["municipality"] for row in PLACED}


def test_the_same_answers_in_postgresql(sample_run: SampleRun, tmp_path: Path) -> None:
    """The SQL of the handbook is that of both engines."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "published").symlink_to(sample_run.home / "published")
    with server() as superuser:
        with psycopg.connect(superuser, autocommit=True) as con:
            con.execute("create database ame_handbook encoding 'UTF8' template template0")
        dsn = conninfo.make_conninfo(superuser, dbname="ame_handbook")
        settings = Settings(home=home, serve_dsn=dsn, _env_file=None)
        postgres.publish(settings, read_manifest(settings))
        with psycopg.connect(conninfo.make_conninfo(dsn, user="ame_reader"), autocommit=True) as con:

            def run(sql: str) -> Rows:
                cursor = con.execute(sql.encode())
                return [column.name for column in cursor.description or []], cursor.fetchall()

            _, uncommented = run(
                "select n.nspname, c.relname, a.attname "
                "from pg_attribute a join pg_class c on c.oid = a.attrelid "
                "join pg_namespace n on n.oid = c.relnamespace "
                "where n.nspname in ('marts', 'quality', 'svenska') "
                "and c.relkind = 'v' and a.attnum > 0 and col_description(c.oid, a.attnum) is null"
            )
            assert uncommented == []
            comment = "select col_description('marts.costs'::regclass, attnum) from pg_attribute "
            comment += "where attrelid = 'marts.costs'::regclass and attname = 'net_cost_sek_per_inhabitant'"
            assert "Unit: kronor per inhabitant. Denominator: all inhabitants" in str(run(comment)[1])

            for block in BLOCKS:
                assert sorted(table(run(block.sql)).splitlines()) == sorted(block.answer.splitlines()), (
                    block.sql
                )
