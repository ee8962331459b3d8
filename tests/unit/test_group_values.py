"""The source's own means of our groups: fetched, landed in a table of their own, dispensable."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from ame_warehouse.landing.group_values import group_value_rows
from ame_warehouse.landing.parse import parse_fetch
from ame_warehouse.landing.store import read_fetch
from ame_warehouse.pipeline.ingest import fetch_kolada
from ame_warehouse.sample.faults import Fault
from ame_warehouse.settings import Settings

GR = "G96190"


def fetched(settings: Settings) -> dict[str, Any]:
    result = fetch_kolada(settings, ["N01951"], None, [2022])
    return read_fetch(settings.landing, result["fetch_ids"][0])


def test_the_means_land_in_a_table_of_their_own(make_settings, small, serve) -> None:
    server = serve(small)
    settings = make_settings(sources="live", kolada_url=server.url())
    fetch = fetched(settings)
    parse_fetch(settings, fetch["fetch_id"])
    folder = settings.observations / "source=kolada" / f"fetch={fetch['fetch_id']}"
    members = next(group["members"] for group in small.groups if group["id"] == GR)
    values = [
        small.cells["N01951", member["member_id"], 2022][-1]["value"]
        for member in members
        if ("N01951", member["member_id"], 2022) in small.cells
    ]
    with duckdb.connect() as con:
        (found,) = con.execute(
            f"select value, member_count from '{folder}/group_values.parquet' "
            f"where group_id = '{GR}' and gender = 'T'"
        ).fetchall()
        strangers = con.execute(
            f"select count(*) from '{folder}/observations.parquet' where municipality_id like 'G%'"
        ).fetchone()
    assert found[0] == pytest.approx(sum(values) / len(values), abs=1e-5)
    assert found[1] == len(values) == len(members)
    assert strangers == (0,)


def test_without_them_the_fetch_is_whole(make_settings, small, serve) -> None:
    server = serve(small, Fault("status", match=f"municipality/{GR}"))
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_attempts=1)
    fetch = fetched(settings)
    assert {one["outcome"] for one in fetch["measures"]} == {"complete"}
    assert fetch["group_value_sets"] == []
    assert [note["kind"] for note in fetch["findings"] if note["kind"] != "group_drift"] == ["group_values"]


class Stored:
    """Objects of the landing, from memory."""

    def __init__(self, *bodies: object) -> None:
        self.bodies = [json.dumps(body).encode() for body in bodies]

    def get(self, checksum: str) -> bytes:
        return self.bodies[int(checksum)]


@pytest.mark.parametrize(
    "body",
    [
        {"values": None},
        {
            "values": [
                {"kpi": "U1", "municipality": "1480", "period": 2022, "values": [{"gender": "T", "value": 1}]}
            ]
        },
        {
            "values": [
                {"kpi": "U1", "municipality": "G1", "period": "x", "values": [{"gender": "T", "value": 1}]}
            ]
        },
        {
            "values": [
                {
                    "kpi": "U1",
                    "municipality": "G1",
                    "period": 2022,
                    "values": [{"gender": "T", "value": None}],
                }
            ]
        },
        {"values": [{"kpi": "U1", "municipality": "G1", "period": 2022, "values": ["T"]}]},
        {"values": ["no record"]},
        ["no envelope"],
    ],
)
def test_what_is_in_another_form_is_left_out(body: object) -> None:
    good = {
        "values": [
            {"kpi": "U1", "municipality": "G1", "period": 2021, "values": [{"gender": "T", "value": 2}]}
        ]
    }
    fetch = {
        "fetch_id": "f",
        "fetched_at": "2024-01-01T00:00:00+00:00",
        "group_value_sets": [{"kpi_ids": ["U1"], "group_ids": ["G1"], "objects": ["0", "1"]}],
    }
    rows = group_value_rows(fetch, Stored(body, good))  # type: ignore[arg-type]
    assert [(row["year"], row["value"], row["member_count"]) for row in rows] == [(2021, 2.0, None)]


def test_a_fetch_of_an_earlier_version_has_none(make_settings) -> None:
    assert group_value_rows({"fetch_id": "f", "fetched_at": "2024-01-01T00:00:00+00:00"}, Stored()) == []  # type: ignore[arg-type]
