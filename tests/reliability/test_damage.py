"""Files that rot, a clock that is wrong, two runs at once, a reader that never lets go."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.reliability.cases import TEST_SECONDS
from tests.reliability.conftest import Counted, SmallWorld
from tests.reliability.looking import look
from tests.reliability.small_world import figures, settings_of
from tests.reliability.tasks import chain_at, hold, quick_chain

from ame_warehouse.landing.store import fetch_ids, read_fetch
from ame_warehouse.pipeline import steps

pytestmark = pytest.mark.timeout(TEST_SECONDS)
Damage = Callable[[Path], None]


def cut(path: Path) -> None:
    """End a file in its middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    """Leave a file of no bytes, as a crash of the machine may."""
    path.write_bytes(b"")


def flip(path: Path) -> None:
    """Change bits in the middle."""
    body = bytearray(path.read_bytes())
    middle = len(body) // 2
    body[middle : middle + 40] = bytes(255 - one for one in body[middle : middle + 40])
    path.write_bytes(body)


def spoil_footer(path: Path) -> None:
    """Change the length of the footer of a Parquet file."""
    path.write_bytes(path.read_bytes()[:-8] + b"\xff\xff\xff\x7fPAR1")


def overwrite(path: Path) -> None:
    """Put another text in the place of a file."""
    path.write_text("<html>Underhåll</html>", encoding="utf-8")


PARSED = "observations/source=kolada/fetch=*/"
REPARSED = [
    (PARSED + "observations.parquet", cut),
    (PARSED + "observations.parquet", spoil_footer),
    (PARSED + "observations.parquet", empty),
    (PARSED + "measures.parquet", spoil_footer),
    (PARSED + "measures.parquet", overwrite),
    (PARSED + "kpi_metadata.parquet", cut),
]
REPAIRED = [
    ("published/warehouse.duckdb", flip),
    ("published/warehouse.duckdb", empty),
    ("published/warehouse.duckdb", Path.unlink),
    ("published/parquet/marts/participants.parquet", cut),
    ("published/parquet", Path.unlink),
    ("published/versions", shutil.rmtree),
    ("published/manifest.json", cut),
    ("published/manifest.json", Path.unlink),
    (".locks/writer.lock", overwrite),
]


def at(home: Path, pattern: str) -> Path:
    return next(iter(sorted(home.glob(pattern))))


def test_a_damaged_file(world: SmallWorld, monkeypatch: pytest.MonkeyPatch, counted: Counted) -> None:
    """What can be made again is made again by the next run, or by the command that the error names."""
    for pattern, damage in REPARSED:
        home = world.home()
        damage(at(home, pattern))
        what = (pattern, damage.__name__)
        report = world.run(home)
        assert report.get("readable"), (what, report.get("trace"))
        assert "ame reparse" in report["readable"]["action"], (what, report["readable"])
        assert look(home / "published", world.known) is None
        for name, value in world.env(home).items():
            monkeypatch.setenv(name, value)
        steps.reparse()
        world.finish(home, what, resolved=None)
    for pattern, damage in REPAIRED:
        home = world.home()
        damage(at(home, pattern))
        world.finish(home, (pattern, damage.__name__))
    home = world.home()
    found = sorted((home / "landing" / "objects").glob("*/*.zst"), key=lambda path: path.stat().st_size)
    whole = found[-1].read_bytes()
    flip(found[-1])
    shutil.rmtree(home / "observations")  # all is parsed again, and the damage is met
    report = world.run(home)
    assert report["readable"]["message"] == "a stored answer of the landing is damaged"
    assert look(home / "published", world.known) is None
    found[-1].write_bytes(whole)
    world.finish(home, "landing object")
    counted("a damaged file", len(REPARSED) + len(REPAIRED) + 1)


def test_a_clock_that_is_wrong(world: SmallWorld, counted: Counted) -> None:
    """What came last stays the newest, in the fetches, in the versions and in the values."""
    for hours in (-0.5, -24 * 365, 24 * 3650):
        home = world.home()
        code, report = world.children.run(chain_at, world.env(home), hours, root=home)
        assert code == 0 and "error" not in report, report
        settings = settings_of(world.env(home))
        before, after = (read_fetch(settings.landing, one) for one in fetch_ids(settings.landing))
        assert before["fetched_at"] < after["fetched_at"]
        behind = [one for one in after["findings"] if one["kind"] == "clock_behind"]
        assert len(behind) == (hours < 0)
        manifest = json.loads((home / "published" / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["sources"]["kolada"]["newest_fetch"] == after["fetch_id"]
        base = json.loads((world.base / "published" / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["version"] > base["version"]
        assert figures("marts.participants", home / "published" / "warehouse.duckdb") == world.known[1]
        world.finish(home, hours)
        last = read_fetch(settings.landing, fetch_ids(settings.landing)[-1])
        assert last["fetched_at"] > after["fetched_at"], "a clock that was ahead hides nothing"
    counted("a clock that is wrong", 3)


def test_two_runs_at_once(world: SmallWorld, reader: Callable[[Path], None], counted: Counted) -> None:
    """Steps of two runs in one AME_HOME wait for each other, in whatever order they come."""
    for number in range(3):
        home = world.home()
        reader(home)
        begun = [world.children.begin(quick_chain, world.env(home), root=home) for _ in range(2)]
        for process, report in begun:
            process.join(500)
            assert process.exitcode == 0
            found = json.loads(report.read_text(encoding="utf-8"))
            assert "error" not in found, found
        world.finish(home, number)
    counted("two runs at once", 3)


def test_a_reader_that_holds_the_file(world: SmallWorld, tmp_path: Path, counted: Counted) -> None:
    """Somebody has the old file open for the whole run: the run goes on, they keep what they had."""
    for is_read_only in (True, False):
        home, stop = world.home(), tmp_path / f"stop-{is_read_only}"
        path = home / "published" / "warehouse.duckdb"
        process, report = world.children.begin(hold, str(path), is_read_only, str(stop), root=tmp_path)
        while not stop.with_suffix(".begun").exists():
            assert process.is_alive()
            time.sleep(0.01)
        world.finish(home, f"held open, read only: {is_read_only}")
        assert figures("marts.participants", path) == world.known[1]
        stop.touch()
        process.join(120)
        before, after = json.loads(report.read_text(encoding="utf-8"))["value"]
        assert before == after == [list(row) for row in world.known[0]]
    counted("a reader that holds the file", 2)
