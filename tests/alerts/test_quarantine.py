"""What cannot be read: quarantined and told, released, published with a mark, taken back, replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from small_world import HARRYDA, PARTICIPANTS, World, made, put
from tests.pipeline.home import Done, ame

from ame_warehouse.landing.index import fetch_dir
from ame_warehouse.landing.store import Objects
from ame_warehouse.quality import releases
from ame_warehouse.quality.incidents import IncidentStore, list_incidents
from ame_warehouse.sample.dataset import value

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]
CHECK = "quarantine_empty"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made(tmp_path_factory.mktemp("quarantine")) as world:
        yield world


def cell(world: World) -> tuple[Any, ...]:
    """Return what readers see of Härryda 2022 in total."""
    sql = (
        "select value, missing_reason, is_released from marts.observations "
        "where municipality_id = ? and year = 2022 and gender = 'T' and kpi_id = ?"
    )
    with duckdb.connect(str(world.settings.published / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql, [HARRYDA, PARTICIPANTS]).fetchone() or ()


def call(world: World, *arguments: str) -> Done:
    return ame(world.settings.home, "quarantine", *arguments)


def rows(world: World, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call(world, *arguments, "--json").json()
    return found


def test_the_way_round(world: World) -> None:
    settings = world.settings
    odd = [value("K", 200), value("M", 150), {**value("T", None), "value": "ca 360"}]
    world.data.put(PARTICIPANTS, HARRYDA, 2022, odd)
    world.run()
    assert cell(world) == (None, "not_loaded", False)
    (held,) = rows(world)
    assert (held["state"], held["raw_value"], held["municipality"]) == ("held", '"ca 360"', "Härryda")
    assert (held["year"], held["gender"], held["kpi_id"]) == (2022, "T", PARTICIPANTS)
    raw = Objects(settings.landing).get(held["object_sha256"])
    assert b'"ca 360"' in raw, "the raw answer is one step away"
    assert (fetch_dir(settings.observations, held["fetch_id"]) / "observations.parquet").is_file()
    assert [i.check_id for i in list_incidents(settings, open_only=True)] == [CHECK]
    assert [str(post["title"]) for post in world.hook.posts] == [
        f"[ame] WARNING {CHECK} new: Härryda (1401) (INC-0001)"
    ]
    assert 'written as "ca 360"' in world.hook.posts[0]["message"]

    name = held["quarantine_id"]
    for refused in (
        ("release", name, "--value", "360", "--by", " ", "--note", "x"),
        ("release", name, "--value", "nan", "--by", "x", "--note", "x"),
        ("release", name, "--value", "many", "--by", "x", "--note", "x"),
        ("release", "Q-none", "--value", "1", "--by", "x", "--note", "x"),
        ("undo", name, "--by", "x", "--note", "x"),
    ):
        assert call(world, *refused).status in (1, 2), refused
    assert releases.decisions(settings) == []
    signed = ("--by", "data_steward", "--note", "Härryda says 350, by telephone")
    done = call(world, "release", name, "--value", "350", *signed)
    assert done.status == 0, done.stderr
    world.run()
    assert cell(world) == (350.0, None, True)
    assert rows(world) == []
    assert call(world).stdout == "Nothing is in quarantine.\n"
    (released,) = rows(world, "--all")
    assert (released["state"], released["released_value"], released["released_by"]) == (
        "released",
        350.0,
        "data_steward",
    )
    assert list_incidents(settings, open_only=True) == []
    assert world.told == [1, 1], "told when it came, and when it was resolved"

    assert call(world, "undo", name, "--by", "data_steward", "--note", "wrong year").status == 0
    world.run()
    assert cell(world) == (None, "not_loaded", False)
    events = [event["event"] for event in IncidentStore(settings).history("INC-0001")]
    assert events == ["opened", "resolved", "reopened"]

    put(world.data, HARRYDA, 2022, total=350)
    world.run()
    assert cell(world) == (350.0, None, False), "the source itself says it now"
    (kept,) = rows(world, "--all")
    assert (kept["state"], kept["raw_value"]) == ("superseded", '"ca 360"')
    shown = json.loads(call(world, "show", name, "--json").stdout)
    assert [(d["decision"], d["value"], d["decided_by"]) for d in shown["decisions"]] == [
        ("release", "350.0", "data_steward"),
        ("undo", "", "data_steward"),
    ]
    late = call(world, "release", name, "--value", "1", *signed)
    assert late.status == 1 and "cannot be given a value" in late.stderr
