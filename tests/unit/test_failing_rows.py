"""quality.failing_<check>: rows that a person can read, whatever the check looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pandas as pd
import pytest

from ame_warehouse.quality import failing_rows, register
from ame_warehouse.quality.results import MAX_FAILING_ROWS, figure
from ame_warehouse.settings import PROJECT_ROOT, Settings

ENTRIES = register.load(Settings(project=PROJECT_ROOT))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create schema marts")
        opened.execute("create table marts.dim_municipality (municipality_id varchar, municipality varchar)")
        opened.execute("insert into marts.dim_municipality values ('1480', 'Göteborg'), ('1440', 'Ale')")
        yield opened


def rows(
    con: duckdb.DuckDBPyConnection, check_id: str, body: str, looked_at: str, **kind: str
) -> list[dict[str, Any]]:
    con.execute(f"create or replace temp view bad as {body}")
    table = failing_rows.write(con, ENTRIES.entry(check_id, **kind), "bad", looked_at)
    cursor = con.execute(f"select * from {table}")
    names = [column[0] for column in cursor.description or []]
    assert tuple(names[:7]) == failing_rows.LEAD
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_a_rule_of_dbt_names_place_and_what_was_found(con: duckdb.DuckDBPyConnection) -> None:
    body = "select '1480' as municipality_id, 2022 as year, 'af' as measure_id, 120.0 as share_pct, 1 as n"
    (row,) = rows(
        con, "referrals_share_within_0_100", body, "share_pct is null or share_pct between 0 and 101"
    )
    assert (row["municipality"], row["municipality_id"], row["year"]) == ("Göteborg", "1480", 2022)
    assert (row["value_found"], row["n"]) == ("share_pct 120.0", 1)
    assert row["reason"] == (
        "Göteborg 1480 af 2022: A share of the referrals, sums of two included, is between 0 and 100 "
        "per cent; rounding may add one. Expected 0 to 101; found share_pct 120.0."
    )


def test_a_number_is_shown_as_a_person_reads_it_and_kept_as_it_is(con: duckdb.DuckDBPyConnection) -> None:
    body = "select 161.956522::double as share_pct, 0.00031::double as small, 2018 as year"
    (row,) = rows(con, "referrals_share_within_0_100", body, "share_pct, small")
    assert row["value_found"] == "share_pct 161.96, small 0.00031"
    assert row["share_pct"] == pytest.approx(161.956522)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (161.956522, "161.96"),
        (482.0, "482"),
        (-0.5, "-0.5"),
        (0.0, "0"),
        (0.00031, "0.00031"),
        (1e6, "1000000"),
    ],
)
def test_figures(number: float, shown: str) -> None:
    assert figure(number) == shown


def test_a_counted_value_of_dbt(con: duckdb.DuckDBPyConnection) -> None:
    body = "select 'X' as value_field, 3 as n_records"
    (row,) = rows(con, "x", body, "gender", kind="accepted_values", it="participants.gender")
    assert row["value_found"] == "value_field X"
    assert row["municipality"] is None
    assert "participants.gender holds only the agreed words." in row["reason"]


def test_an_empty_cell_is_said_to_be_empty(con: duckdb.DuckDBPyConnection) -> None:
    body = "select '1440' as municipality_id, null::integer as year, 'education_5' as composition_id"
    (row,) = rows(con, "x", body, "year", kind="not_null", it="m.year")
    assert (row["value_found"], row["measure_id"], row["year"]) == ("year empty", "education_5", None)
    assert "found year empty." in row["reason"]


def test_what_the_check_itself_says_is_kept(con: duckdb.DuckDBPyConnection) -> None:
    """A frame with label, expected and found of its own; a month gives the year."""
    body = (
        "select 'Ale 2022-07' as label, 'Ale' as municipality, '1440' as municipality_id, "
        "'about 5' as expected, '90' as found, date '2022-07-01' as month"
    )
    (row,) = rows(con, "gaps_new", body, "kind")
    assert (row["expected"], row["found"], row["year"]) == ("about 5", "90", 2022)
    assert row["reason"].startswith("Ale 2022-07: ")
    assert row["reason"].endswith(" Expected about 5; found 90.")


def test_a_key_that_occurs_twice(con: duckdb.DuckDBPyConnection) -> None:
    body = "select 2022 as year, 2 as n_rows"
    (row,) = rows(con, "x", body, "", kind="unique_combination", it="costs")
    assert row["value_found"] == "2 rows"


def test_at_most_a_thousand_rows(con: duckdb.DuckDBPyConnection) -> None:
    assert len(rows(con, "gaps_new", "select n as year from range(3000) as r (n)", "")) == MAX_FAILING_ROWS


def test_a_column_without_any_value_has_a_type_that_other_readers_know(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """A frame gives DuckDB a column of type NULL when nothing stands in it: here `kpi_id` and `gender`."""
    frame = pd.DataFrame({"municipality_id": ["1480"], "kpi_id": [None], "gender": [None]})
    con.register("frame", frame)
    failing_rows.write(con, ENTRIES.entry("x", kind="not_null", it="m.year"), "frame", "year")
    kinds = con.execute(
        "select distinct data_type from information_schema.columns where table_name = 'failing_x'"
    ).fetchall()
    assert {kind for (kind,) in kinds} == {"VARCHAR", "INTEGER"}
