"""The bundled sample: what the printed tables become on each vintage date."""

from __future__ import annotations

import csv

import requests

from ame_warehouse.sample.server import serve_sample
from ame_warehouse.sample.tables import vintages
from ame_warehouse.settings import PROJECT_ROOT, Settings

SETTINGS = Settings(_env_file=None)
DATES = ["2023-06-04", "2023-07-07", "2024-01-31"]


def printed() -> list[dict[str, str]]:
    path = PROJECT_ROOT / "dbt_project" / "seeds" / "printed_report_tables.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["kpi_match"] != "none"]


def test_every_printed_figure_is_served_in_the_newest_vintage() -> None:
    rows = printed()
    assert len(rows) == 671
    newest = vintages(SETTINGS)["2024-01-31"]
    for row in rows:
        key = (row["kpi_id"], row["municipality_code"], int(row["year"]))
        (found,) = [one for one in newest.cells[key] if one["gender"] == row["gender"]]
        assert found["value"] == (float(row["value"]) if row["value"] else None), row
        expected = "" if row["value"] else "." if row["raw_text"] == "-" else "Missing"
        assert found["status"] == expected, row


def test_a_vintage_knows_only_what_was_printed_by_then() -> None:
    states = vintages(SETTINGS)
    assert list(states) == DATES
    sizes = [len(state.cells) for state in states.values()]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3
    first = {row["kpi_id"] for row in printed() if row["retrieved"] == "2023-06-04"}
    assert {kpi for kpi, _, _ in states["2023-06-04"].cells} == first
    assert ("U40806", "1480", 2018) not in states["2023-07-07"].cells


def test_printed_gaps_are_nulls_and_printed_zeros_are_zeros() -> None:
    newest = vintages(SETTINGS)["2024-01-31"].cells
    gaps = {
        (place, year)
        for (kpi, place, year), values in newest.items()
        for one in values
        if kpi == "U40800" and one["gender"] == "T" and one["value"] is None
    }
    assert gaps == {("1440", 2017), ("1480", 2017), ("1419", 2017), ("1419", 2022)}
    zeros = [key for key, values in newest.items() for one in values if one["value"] == 0]
    assert zeros
    assert [one["value"] for one in newest[("U40800", "1480", 2018)] if one["gender"] == "T"] != [None]


def test_rows_without_a_kpi_are_not_served() -> None:
    for state in vintages(SETTINGS).values():
        assert all(kpi for kpi, _, _ in state.cells)
        assert {kpi for kpi, _, _ in state.cells} <= {record["id"] for record in state.kpis}


def test_one_base_address_per_vintage() -> None:
    with serve_sample(SETTINGS) as server:
        assert [date for date, _ in server.vintages()] == DATES
        base = dict(server.vintages())["2024-01-31"]
        assert base.endswith("/vintage/2024-01-31/v3")
        catalogue = requests.get(base + "/kpi", timeout=30).json()
        assert catalogue["count"] == 134
        one = next(record for record in catalogue["values"] if record["id"] == "U40800")
        assert "Källa: Egen undersökning i kommunen." in one["description"]
        groups = requests.get(base + "/municipality_groups", timeout=30).json()["values"]
        assert {"G96190", "G33629"} <= {group["id"] for group in groups}
        assert len(next(group for group in groups if group["id"] == "G96190")["members"]) == 13
        url = base + "/data/kpi/U40800/municipality/1480/year/2017"
        (record,) = requests.get(url, timeout=30).json()["values"]
        assert record["values"] == [
            {"gender": "T", "count": 1, "status": "Missing", "value": None, "isdeleted": False}
        ]
