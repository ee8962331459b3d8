"""Housekeeping keeps every distinct answer, and what is built from it stays the same to the last row."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import MakeSettings, Serve

from ame_warehouse.builder import fingerprint
from ame_warehouse.errors import LandingError
from ame_warehouse.landing import compact, packs
from ame_warehouse.landing.index import held_values, parsed_fetch_ids
from ame_warehouse.landing.parse import parse_missing
from ame_warehouse.landing.schema import SORT, TABLES
from ame_warehouse.landing.store import Objects, fetch_ids, read_fetch, read_requests
from ame_warehouse.pipeline import housekeeping
from ame_warehouse.pipeline.ingest import fetch_kolada, parse_landing
from ame_warehouse.publish import names
from ame_warehouse.sample.dataset import Dataset, value
from ame_warehouse.settings import Settings

KPIS = ["U40800", "N40011"]
PLACES = ["1440", "1480"]
FETCHES = 6


@pytest.fixture
def world(
    make_settings: MakeSettings, small: Dataset, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """A home with six old fetches: two that brought news, one of a part, the others the same again."""
    monkeypatch.setattr(compact, "FEWEST", 3)
    monkeypatch.setattr(housekeeping, "FEWEST_PACKED", 3)
    monkeypatch.setattr(housekeeping, "_before", lambda _settings: "9999")
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    for number in range(FETCHES):
        if number == 3:
            small.put("U40800", "1480", 2022, [value("T", 99.0), value("K", 50.0), value("M", 49.0)])
        years = [2022] if number == 4 else None
        parse_landing(settings, fetch_kolada(settings, KPIS, PLACES, years)["fetch_ids"])
    return settings


def rows(settings: Settings) -> dict[str, list[Any]]:
    """Return the rows of every table, as dbt reads them."""
    found = {}
    with duckdb.connect() as con:
        for table in TABLES:
            files = settings.observations / "source=kolada" / "fetch=*" / f"{table}.parquet"
            source = f"read_parquet('{files}', hive_partitioning = false, union_by_name = true)"
            found[table] = con.execute(f"select * from {source} order by fetch_id, {SORT[table]}").fetchall()
    return found


def state(settings: Settings) -> dict[str, Any]:
    """Return everything that others read of the observations and of the records."""
    ids = fetch_ids(settings.landing)
    return {
        "rows": rows(settings),
        "parsed": parsed_fetch_ids(settings.observations),
        "fingerprint": fingerprint.parts(settings)["observations"],
        "fetches": [read_fetch(settings.landing, one) for one in ids],
        "requests": [list(read_requests(settings.landing, one)) for one in ids],
    }


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_packed_and_compacted_reads_the_same(world: Settings, small: Dataset) -> None:
    before, objects = state(world), digests(world.landing / "objects")
    done = housekeeping.clean(world)
    assert done["packed"]["kolada"]["fetches"] == done["compacted"]["fetches"] == FETCHES
    assert done["packed"]["kolada"]["bytes"] > 0
    assert list((world.landing / "kolada").iterdir()) == []
    assert len(list((world.observations / "source=kolada").iterdir())) == 1
    assert state(world) == before
    assert digests(world.landing / "objects") == objects, "every answer stays"
    assert housekeeping.clean(world)["compacted"] == {"fetches": 0, "bytes": 0}
    # a later fetch finds what is known: the same adds nothing, a value that is gone is missed
    same = parse_landing(world, fetch_kolada(world, KPIS, PLACES, None)["fetch_ids"])
    assert same["observations"] == 0
    held = held_values(world, "live", time_of(world), KPIS)
    assert held.lacking("U40800", ["1480"], None) == ("1480", 2022)


def time_of(settings: Settings) -> Any:
    from datetime import datetime

    newest = read_fetch(settings.landing, fetch_ids(settings.landing)[-1])
    return datetime.fromisoformat(newest["fetched_at"])


def test_a_rebuild_from_the_packed_landing_equals_the_one_before(world: Settings) -> None:
    before = digests(world.observations)
    housekeeping.clean(world)
    shutil.rmtree(world.observations)
    assert len(parse_missing(world)) == FETCHES
    assert digests(world.observations) == before, "byte for byte"


class Killed(BaseException):
    """Stands for the end of the process."""


def killed_at(monkeypatch: pytest.MonkeyPatch, call: int) -> Callable[[], int]:
    """Let the n-th rename or replace end the process; return a function that says how many there were."""
    calls = [0]
    for name in ("rename", "replace"):
        real = getattr(Path, name)

        def counted(path: Path, target: Any, real: Any = real) -> Any:
            calls[0] += 1
            if calls[0] == call:
                raise Killed
            return real(path, target)

        monkeypatch.setattr(Path, name, counted)
    return lambda: calls[0]


def test_an_interruption_anywhere_loses_nothing(world: Settings, tmp_path: Path) -> None:
    """Killed at each rename in turn, then the next step that writes: the state is as before."""
    before = state(world)
    points = 0
    for call in range(1, 60):
        home = tmp_path / f"killed{call}"
        shutil.copytree(world.home, home)
        settings = Settings(_env_file=None, **(world.model_dump() | {"home": home}))
        with pytest.MonkeyPatch.context() as patch:
            count = killed_at(patch, call)
            try:
                housekeeping.clean(settings)
            except Killed:
                points += 1
            ended = count() < call
        compact.finish(settings)
        assert state(settings) == before, f"killed at rename {call}"
        housekeeping.clean(settings)
        assert state(settings) == before
        assert not list(home.rglob(".gone-*")) + list(home.rglob(".packed-*"))
        shutil.rmtree(home)
        if ended:
            break
    assert points >= 2 * FETCHES, "each directory goes by a rename of its own"


def test_only_what_no_record_names_goes(world: Settings) -> None:
    objects = Objects(world.landing)
    orphan, fresh = objects.put(b"nobody asked for this"), objects.put(b"just landed")
    going_on = world.landing / "kolada" / ".partial-99991231T000000000000Z-abcdef"
    going_on.mkdir()
    needed = objects.put(b"of a fetch that goes on")
    (going_on / "requests.jsonl").write_text(f'{{"sha256": "{needed}"}}\n{{"cut')
    old = time.time() - 2 * 86_400
    for path in objects.root.rglob("*.zst"):
        if path != objects.path(fresh):
            os.utime(path, (old, old))
    plan = housekeeping.plan(world)
    assert [one.path for one in plan if one.rule == "orphans"] == [objects.path(orphan)]
    for _ in range(2):  # with the records in their directories, and packed
        housekeeping.clean(world)
        assert not objects.path(orphan).exists()
        assert objects.get(needed)
        assert objects.get(fresh)
        for fetch in (read_fetch(world.landing, one) for one in fetch_ids(world.landing)):
            for measure in fetch["measures"]:
                assert all(objects.get(sha) for sha in measure["objects"])


def versions_in(root: Path, published: str, names_: list[str]) -> None:
    for name in names_:
        (root / "versions" / name / "parquet").mkdir(parents=True)
    (root / "parquet").symlink_to(Path("versions") / published / "parquet")


@pytest.mark.parametrize(
    ("published", "keep", "goes"),
    [
        ("V5", 3, ["V1", "V2"]),
        ("V5", 1, ["V1", "V2", "V3", "V4"]),
        ("V1", 3, ["V2", "V3"]),  # put back: it stays, and so do the newest
        ("V1", 1, ["V2", "V3", "V4"]),
        ("V3", 5, []),
    ],
)
def test_versions_by_rule(tmp_path: Path, published: str, keep: int, goes: list[str]) -> None:
    versions_in(tmp_path, published, ["V1", "V2", "V3", "V4", "V5"])
    assert [path.name for path in names.surplus(tmp_path, keep)] == goes
    names.forget_old(tmp_path, keep)
    assert (tmp_path / "versions" / published).is_dir()
    assert (tmp_path / "versions" / "V5").is_dir()


def test_nothing_goes_when_it_is_not_clear_what_is_published(tmp_path: Path) -> None:
    assert names.surplus(tmp_path, 1) == []
    versions_in(tmp_path, "V9", ["V1", "V2"])
    assert names.surplus(tmp_path, 1) == []


def test_a_damaged_pack_says_so(world: Settings) -> None:
    housekeeping.clean(world)
    (pack,) = packs.folder(world.landing, "kolada").glob("*.parquet")
    pack.write_bytes(b"PAR1")
    with pytest.raises(LandingError, match="pack of old fetches is damaged"):
        fetch_ids(world.landing)
