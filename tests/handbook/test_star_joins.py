"""The star: a join of a fact with its dimensions loses no row, multiplies none, and finds a name."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from tests.pipeline.home import SampleRun

from ame_warehouse.dictionary.entries import TableEntry, dictionary
from ame_warehouse.settings import Settings

pytestmark = pytest.mark.pipeline
FACTS = [table for table in dictionary(Settings(_env_file=None)) if table.references]
NAMED = {"municipality_id": "municipality", "measure_id": "title", "group_id": "group_name"}


@pytest.fixture(scope="module")
def published(sample_run: SampleRun) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(sample_run.home / "published" / "warehouse.duckdb"), read_only=True) as con:
        yield con


def count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else -1


@pytest.mark.parametrize("table", FACTS, ids=lambda table: table.full_name)
def test_a_fact_joins_its_dimensions(table: TableEntry, published: duckdb.DuckDBPyConnection) -> None:
    rows = count(published, f"select count(*) from {table.full_name}")
    joins = []
    for number, (column, model, target) in enumerate(table.references):
        joins.append(f"left join marts.{model} d{number} on f.{column} = d{number}.{target}")
        known = f"select {target} from marts.{model}"
        orphans = f"select count(*) from {table.full_name} where {column} not in ({known})"
        assert count(published, orphans) == 0, column
        names = f"select count(*) from marts.{model} where {NAMED[target]} is null"
        assert count(published, names) == 0, model
    assert count(published, f"select count(*) from {table.full_name} f {' '.join(joins)}") == rows
    if table.key:
        key = ", ".join(table.key)
        distinct = f"select count(*) from (select distinct {key} from {table.full_name})"
        assert count(published, distinct) == rows


def test_every_id_of_a_mart_has_its_dimension() -> None:
    for table in dictionary(Settings(_env_file=None)):
        if table.schema != "marts" or table.name.startswith("dim_"):
            continue
        own = {entry.column for entry in table.columns} & set(NAMED)
        joined = {column for column, _, _ in table.references}
        optional = (
            {"municipality_id"} if table.name == "printed_overlaps" else set()
        )  # null where a group is printed
        assert own <= joined | optional, table.full_name


def test_what_is_published_is_what_is_described(published: duckdb.DuckDBPyConnection) -> None:
    """Every column of the published file, in its order; only tables of failing rows come on top."""
    sql = (
        "select schema_name || '.' || table_name, list(column_name order by column_index) "
        "from duckdb_columns() where schema_name in ('marts', 'quality') "
        "and not starts_with(table_name, 'failing_') group by all"
    )
    described = {
        table.full_name: [entry.column for entry in table.columns]
        for table in dictionary(Settings(_env_file=None))
        if table.full_name != "quality.publication"  # in PostgreSQL only
    }
    assert dict(published.execute(sql).fetchall()) == described
    held = "select count(*) from quality.dictionary where not starts_with(table_name, 'failing_')"
    assert count(published, held) == sum(map(len, described.values()))
