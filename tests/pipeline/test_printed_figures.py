"""Every printed number with a KPI is in the marts, with year, unit and vintage; printed gaps are gaps."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.pipeline.home import SampleRun

from ame_warehouse.settings import PROJECT_ROOT

pytestmark = pytest.mark.pipeline

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
UNITS = {"class_1_8": "ordinal"}  # the tables' own word for it


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def published(sample_run: SampleRun) -> Iterator[duckdb.DuckDBPyConnection]:
    path: Path = sample_run.home / "published" / "warehouse.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def printed() -> list[dict[str, str]]:
    return [row for row in seed("printed_report_tables") if row["kpi_match"] != "none"]


@pytest.fixture(scope="module")
def vintage_of() -> dict[tuple[str, str], str]:
    return {(row["report"], row["retrieved"]): row["vintage_date"] for row in seed("report_vintages")}


def test_every_printed_number_as_of_its_vintage(
    published: duckdb.DuckDBPyConnection,
    printed: list[dict[str, str]],
    vintage_of: dict[tuple[str, str], str],
) -> None:
    versions: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for *key, since, until, value, reason in published.execute(
        "select kpi_id, municipality_id, year, gender, cast(valid_from as date), cast(valid_to as date),"
        " value, missing_reason from marts.observation_history where source = 'kolada'"
    ).fetchall():
        versions.setdefault(tuple(key), []).append(
            (str(since), str(until) if until else "9999", value, reason)
        )
    wrong = []
    for row in printed:
        key = (row["kpi_id"], row["municipality_code"], int(row["year"]), row["gender"])
        day = vintage_of[row["report"], row["retrieved"]]
        known = [
            (value, reason) for since, until, value, reason in versions.get(key, []) if since <= day < until
        ]
        expected = float(row["value"]) if row["value"] else None
        if len(known) != 1 or known[0][0] != expected or (known[0][1] is None) != (expected is not None):
            wrong.append((key, day, expected, known))
    assert len(printed) == 671
    assert wrong == []


def test_every_printed_number_with_unit_and_vintage_in_the_long_marts(
    published: duckdb.DuckDBPyConnection, printed: list[dict[str, str]]
) -> None:
    found = {
        (row[0], row[1], row[2], row[3]): (row[4], row[5], row[6])
        for row in published.execute(
            "select o.kpi_id, o.municipality_id, o.period, o.gender, o.value, m.unit, o.vintage"
            " from marts.observations o join marts.dim_measure m using (measure_id) where o.source = 'kolada'"
        ).fetchall()
    }
    assert len(found) == 643  # 28 cells are printed twice
    vintages = {"2023-06-04", "2023-07-07", "2024-01-31"}
    for row in printed:
        value, unit, vintage = found[row["kpi_id"], row["municipality_code"], row["year"], row["gender"]]
        assert value == (float(row["value"]) if row["value"] else None), row
        assert unit == UNITS.get(row["unit"], row["unit"]), row
        assert vintage in vintages


def test_as_printed_figures_agree_with_the_warehouse(published: duckdb.DuckDBPyConnection) -> None:
    counted = dict(
        published.execute(
            "select comparison, count(*) from marts.printed_figures"
            " where kpi_match in ('exact', 'inferred') group by 1"
        ).fetchall()
    )
    assert counted == {"same": 671}


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("ame_participants_total", {("Ale", 2017), ("Göteborg", 2017), ("Tjörn", 2017), ("Tjörn", 2022)}),
        (
            "referral_share_af",
            {
                *(("Ale", 2017), ("Göteborg", 2017), ("Göteborg", 2018), ("Härryda", 2017)),
                *(("Härryda", 2018), ("Tjörn", 2017), ("Tjörn", 2022)),
            },
        ),
    ],
)
def test_exactly_the_printed_gaps(
    published: duckdb.DuckDBPyConnection, measure: str, expected: set[tuple[str, int]]
) -> None:
    rows = published.execute(
        "select municipality, year, missing_reason, shown_as from quality.gaps where measure_id = ?",
        [measure],
    ).fetchall()
    assert {(name, year) for name, year, _, _ in rows} == expected
    assert {(reason, shown) for _, _, reason, shown in rows} == {("not_reported", "i.u.")}


def test_all_gaps_are_the_printed_ones(
    published: duckdb.DuckDBPyConnection, printed: list[dict[str, str]]
) -> None:
    expected = {
        (row["kpi_id"], row["municipality_code"], int(row["year"]))
        for row in printed
        if not row["value"] and row["gender"] == "T"
    }
    found = published.execute(
        "select kpi_id, municipality_id, year from quality.gaps join marts.dim_measure using (measure_id)"
    ).fetchall()
    assert set(found) == expected
    assert len(found) == len(expected) == 62


def test_missing_is_per_measure_and_zero_is_a_value(published: duckdb.DuckDBPyConnection) -> None:
    participants = published.execute(
        "select participants from marts.participants"
        " where municipality = 'Göteborg' and year = 2018 and gender = 'T'"
    ).fetchone()
    share = published.execute(
        "select share_pct, missing_reason from marts.referrals"
        " where municipality = 'Göteborg' and year = 2018 and referral_source = 'af'"
    ).fetchone()
    zero = published.execute(
        "select share_pct, missing_reason, share_class from marts.referrals"
        " where municipality = 'Härryda' and year = 2022 and referral_source = 'af'"
    ).fetchone()
    assert participants is not None and participants[0] > 0
    assert share == (None, "not_reported")
    assert zero == (0.0, None, "low")


def test_costs_per_participant_recompute_from_the_printed_figures(
    published: duckdb.DuckDBPyConnection, printed: list[dict[str, str]]
) -> None:
    def figures(kpi: str) -> dict[str, float]:
        return {
            row["municipality_code"]: float(row["value"])
            for row in printed
            if row["kpi_id"] == kpi and row["year"] == "2022" and row["gender"] == "T" and row["value"]
        }

    cost, people, participants = figures("N40011"), figures("N01951"), figures("U40800")
    rows = published.execute(
        "select municipality_id, net_cost_sek_per_participant, is_preliminary from marts.costs"
        " where net_cost_sek_per_participant is not null"
    ).fetchall()
    assert {row[0] for row in rows} == set(cost)
    for place, per_participant, is_preliminary in rows:
        assert per_participant == pytest.approx(cost[place] * people[place] / participants[place], abs=1e-6)
        assert is_preliminary  # retrieved 2023-07-07, before the final accounts of late August
