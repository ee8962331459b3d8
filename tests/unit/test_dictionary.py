"""The data dictionary: complete, from one place, and the committed pages are what it says now."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from ame_warehouse.dictionary import entries
from ame_warehouse.dictionary.pages import pages
from ame_warehouse.dictionary.project import RawTable, raw_tables, seeds
from ame_warehouse.dictionary.table import write_dictionary
from ame_warehouse.errors import SeedError
from ame_warehouse.quality.incident_table import PUBLISHED_DDL
from ame_warehouse.quality.results import CHECK_RESULTS_DDL
from ame_warehouse.settings import PROJECT_ROOT, Settings

SETTINGS = Settings(_env_file=None)
TABLES = {table.full_name: table for table in entries.dictionary(SETTINGS)}
COLUMNS = {(table.full_name, entry.column): entry for table in TABLES.values() for entry in table.columns}
UNITS = entries.NO_QUANTITY | {
    "persons",
    "cells",
    "requests",
    "municipalities",
    "per cent",
    "percentage points",
    "kronor",
    "kronor per inhabitant",
    "kronor per participant",
    "days",
    "months",
    "periods",
    "years",
    "rows",
    "runs",
    "ratio",
    "factor",
    "km²",
    "persons per km²",
    "printed cells",
    "categories",
    "pairs of municipalities",
    "parts of the sum",
    "rank (1 = first)",
    "rating 1–4 (ordinal)",
    "results (number)",
    "correlation (−1 to 1)",
    "persons or per cent",
    "as the measure (marts.dim_measure.unit)",
    "as printed (column unit)",
}


def test_every_published_column_has_meaning_unit_source_and_date() -> None:
    """Units are of a closed list, shares have a denominator, names are Swedish too."""
    models = [
        path.stem
        for schema in ("marts", "quality")
        for path in (PROJECT_ROOT / "dbt_project" / "models" / schema).glob("*.sql")
    ]
    assert {name.partition(".")[2] for name in TABLES} == {
        *models,
        "check_results",
        "incidents",
        "dictionary",
        "changes",
        "publication",
        "backfills",
    }
    for (table, column), entry in COLUMNS.items():
        assert len(entry.meaning) > 3, (table, column)
        assert entry.unit in UNITS, f"{table}.{column}: {entry.unit!r} is no unit of the list in this test"
        assert entry.source_ids, (table, column)
        assert entry.since >= "2026-11-21", (table, column)
        assert entry.label_sv, f"{table}.{column}: no Swedish name in swedish_names.csv"
        needs = entry.unit in {"per cent", "ratio"} or " per " in f" {entry.unit} "
        if needs and entry.unit != "persons or per cent":
            assert entry.denominator, f"{table}.{column}: a share or ratio without a denominator"
    assert all(table.key for name, table in TABLES.items() if name != "quality.findings")


def test_names_and_types_agree_with_the_units() -> None:
    for (table, column), entry in COLUMNS.items():
        if column.endswith("_pct"):
            assert entry.unit == "per cent", (table, column)
        if column.endswith("_pp"):
            assert entry.unit == "percentage points", (table, column)
        if "_sek" in column and not column.endswith("_reason"):
            assert entry.unit.startswith("kronor"), (table, column)
        if entry.data_type in {"double", "integer", "bigint"}:
            assert entry.unit not in {"text", "code", "date", "true or false"}, (table, column)
        if entry.data_type == "boolean":
            assert entry.unit == "true or false", (table, column)


def test_own_calculations_are_not_signed_kolada() -> None:
    costs = TABLES["marts.costs"]
    per_participant = next(entry for entry in costs.columns if entry.column == "net_cost_sek_per_participant")
    assert per_participant.source_ids == ["own"]
    assert per_participant.kpi_ids == ["N40011", "N01951", "U40800"]
    assert "how long participants were enrolled" in " ".join(per_participant.caveats)
    raw = COLUMNS["marts.costs", "net_cost_sek_per_inhabitant"]
    assert raw.source == "Kolada N40011 (original source: SCB:s Räkenskapssammandrag)"
    assert raw.data_from_year == 1995
    profile = " ".join(COLUMNS["marts.participant_profile", "share_pct"].caveats)
    assert "Series break 2019" in profile
    assert COLUMNS["marts.participant_profile", "year"].caveats == []


def test_the_committed_pages_are_the_generated_ones() -> None:
    folder = PROJECT_ROOT / "docs" / "dictionary"
    made = pages(SETTINGS)
    assert set(made) == {path.name for path in folder.iterdir()}
    for name, text in made.items():
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name}: run `ame dictionary --write`"


def test_a_column_that_no_rule_knows_is_an_error() -> None:
    known = seeds(SETTINGS)
    table = RawTable("marts", "new", "Grain: one row per year.", [("amount", "double", "Something.")])
    with pytest.raises(SeedError, match=r"marts\.new\.amount") as caught:
        entries.entry_of(table, known)
    assert "dictionary_rules" in str(caught.value.source)
    ruled = [{**known.rules[0], "table_name": "marts.new", "unit": "persons", "source_ids": "own"}]
    assert entries.entry_of(table, replace(known, rules=[*known.rules, *ruled])).columns[0].unit == "persons"
    wrong = replace(known, rules=[{**known.rules[0], "source_ids": "nobody"}])
    with pytest.raises(SeedError, match="complete") as caught:
        entries.check_rules(wrong)
    assert "nobody is not known" in str(caught.value.found)


def test_every_rule_is_of_use() -> None:
    """A rule that fits no column any more is a leftover."""
    known = seeds(SETTINGS)
    every = [
        *raw_tables(PROJECT_ROOT),
        RawTable("quality", "failing_x", "", [("n", "bigint", ""), ("t", "date", "")]),
    ]
    for row in known.rules:
        one = replace(known, rules=[{**row, "since": "x"}])
        fits = any(
            entries.resolve(one, table.full_name, column, kind)["since"]
            for table in every
            for column, kind, _ in table.columns
        )
        assert fits, f"no column fits the rule {row['table_name']},{row['column_name']}"


def test_the_dictionary_in_a_candidate(tmp_path: Path) -> None:
    """All comments come from it; tables that steps write are as declared; failing rows are explained."""
    with duckdb.connect(str(tmp_path / "candidate.duckdb")) as con:
        con.execute("create schema marts; create schema quality")
        con.execute(CHECK_RESULTS_DDL)
        con.execute(PUBLISHED_DDL)
        con.execute(
            "create view marts.costs as select '1480' as municipality_id, 1.0::double as net_cost_sek"
        )
        con.execute(
            "create table quality.failing_x as select '1480' as municipality_id, 3::hugeint as odd, [1] as l"
        )
        assert write_dictionary(con, SETTINGS) == con.sql("from quality.dictionary").shape[0]
        described = con.sql(
            "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'quality' "
            "and table_name not like 'failing%' order by table_name, column_index"
        ).fetchall()
        unexplained = con.sql(
            "select table_name from duckdb_columns() where comment is null and not internal"
        ).fetchall()
        comment = con.sql(
            "select comment from duckdb_columns() where column_name = 'net_cost_sek'"
        ).fetchall()
        failing = con.sql(
            "select column_name, meaning, unit from quality.dictionary where table_name = 'failing_x'"
        )
        odd = {name: (meaning, unit) for name, meaning, unit in failing.fetchall()}
    declared = [
        (table.name, column, kind.upper())
        for table in raw_tables(PROJECT_ROOT)
        if f"{table.schema}.{table.name}"
        in {"quality.check_results", "quality.dictionary", "quality.incidents"}
        for column, kind, _ in table.columns
    ]
    assert described == declared
    assert unexplained == []
    assert comment[0][0].endswith(
        "Unit: kronor. Source: own calculation from Kolada N40011, N01951 "
        "(original source: SCB; SCB:s Räkenskapssammandrag)."
    )
    assert odd["municipality_id"][0].startswith("Kolada's four-character id")
    assert odd["odd"][1] == "as the check computes it"


def test_without_a_dbt_project_nothing_is_described(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        assert write_dictionary(con, Settings(project=tmp_path, _env_file=None)) == 0


def test_the_command() -> None:
    ame = Path(sys.executable).with_name("ame")
    done = subprocess.run([ame, "dictionary", "--json"], capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    assert len(rows) == len(COLUMNS)
    names = (PROJECT_ROOT / "dbt_project" / "seeds" / "swedish_names.csv").open(encoding="utf-8")
    labels = {row["name"]: row["name_sv"] for row in csv.DictReader(names) if row["kind"] == "column"}
    assert all(row["label_sv"] == labels[row["column_name"]] for row in rows)
