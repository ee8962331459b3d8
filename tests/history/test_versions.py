"""`ame versions` and `ame publish`: going back, and what the runs after that do."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.history.calls import ame
from tests.history.homes import publish_candidate, set_home

from ame_warehouse.pipeline import build, disk
from ame_warehouse.publish import publisher
from ame_warehouse.settings import load_settings

pytestmark = pytest.mark.pipeline


def manifest(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "published" / "manifest.json").read_text())
    return found


def participants(home: Path) -> float:
    with duckdb.connect(str(home / "published" / "warehouse.duckdb"), read_only=True) as con:
        row = con.execute(
            "select participants from marts.participants"
            " where municipality = 'Tjörn' and year = 2019 and gender = 'T'"
        ).fetchone()
    assert row is not None
    return float(row[0])


def publish_next(home: Path, value: float, *, full_refresh: bool = False) -> str:
    """Publish a version in which one cell has another value."""
    settings = load_settings()
    before = manifest(home)["version"]
    source = max((home / "build").glob("*Z-????????.duckdb"))
    plan = build.plan_build(settings, full_refresh)
    assert plan["needed"], plan
    version = str(plan["version"])
    assert version > before
    candidate = build.candidate_path(settings, version)
    shutil.copyfile(source, candidate)
    with duckdb.connect(str(candidate)) as con:
        con.execute(
            "update marts.participants set participants = ?"
            " where municipality = 'Tjörn' and year = 2019 and gender = 'T'",
            [value],
        )
    publish_candidate(settings, version)
    return version


@pytest.fixture(scope="module")
def three_built(
    built_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, list[str]]]:
    """A home with three kept versions, each of other input; the cell is 81, 82, 83."""
    home = tmp_path_factory.mktemp("versions") / "home"
    shutil.copytree(built_home, home, symlinks=True, ignore=shutil.ignore_patterns("as_of", ".locks"))
    with pytest.MonkeyPatch.context() as patch:
        set_home(patch, home)
        names = [manifest(home)["version"]]
        for number in (82, 83):
            new_input(patch, number)
            names.append(wait_for_next(home, number))
    yield home, names
    shutil.rmtree(home)


@pytest.fixture
def three(
    three_built: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, list[str]]:
    """A copy of it that the test may change; the input is that of the newest version."""
    home, names = three_built
    copy = tmp_path / "home"
    shutil.copytree(home, copy, symlinks=True)
    set_home(monkeypatch, copy)
    new_input(monkeypatch, 83)
    return copy, names


def wait_for_next(home: Path, number: int) -> str:
    """Versions are named by the second."""
    time.sleep(1.1)
    return publish_next(home, number)


def new_input(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the source have said something else."""
    monkeypatch.setattr(build.fingerprint, "_index", lambda *_: [number])


def test_rollback_and_the_runs_after_it(
    three: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, (first, second, third) = three
    settings = load_settings()
    listed = ame("versions", "--json").json()
    assert [(one["version"], one["published"]) for one in listed] == [
        (third, True),
        (second, False),
        (first, False),
    ]
    assert all(one["is_complete"] and one["rows"] > 200_000 and one["bytes"] > 1e6 for one in listed)

    called = ame("publish", second, "--reason", "wrong figures", "--by", "analyst", "--json")
    assert called.status == 0, called.err
    assert called.json()["changed"] is True
    body = manifest(home)
    assert participants(home) == 82
    assert (body["version"], body["stale"]) == (second, True)
    assert body["rollback"]["replaced"] == third
    assert (body["rollback"]["by"], body["rollback"]["reason"]) == ("analyst", "wrong figures")
    assert "wrong figures" in body["stale_reason"]
    assert publisher.is_intact(settings)
    assert "wrong figures" in ame("status").out
    parquet = (home / "published" / "parquet").resolve()
    assert parquet == home / "published" / "versions" / second / "parquet"

    for _ in range(2):  # a run without new input neither undoes nor repeats it
        plan = build.plan_build(settings)
        assert plan["needed"] is False
        assert plan["version"] == second
        assert "wrong figures" in plan["reason"]
        assert manifest(home) == body

    # one step further back: both newer versions are held; publishing the same again does nothing
    assert ame("publish", first, "--reason", "also wrong", "--json").json()["changed"] is True
    assert participants(home) == 81
    assert [one["version"] for one in manifest(home)["rollback"]["held"]] == [third, second]
    assert build.plan_build(settings)["needed"] is False
    assert ame("publish", first, "--reason", "again", "--json").json()["changed"] is False
    new_input(monkeypatch, 82)  # what the second version was built from
    assert build.plan_build(settings)["needed"] is False

    # new input replaces it
    new_input(monkeypatch, 84)
    fourth = wait_for_next(home, 84)
    body = manifest(home)
    assert (body["version"], body["stale"], body.get("rollback")) == (fourth, False, None)
    assert participants(home) == 84
    assert [one["version"] for one in ame("versions", "--json").json()] == [fourth, third, second]


def test_rolling_forward_and_full_refresh(three: tuple[Path, list[str]]) -> None:
    home, (first, second, third) = three
    settings = load_settings()
    assert ame("publish", first, "--reason", "a look").status == 0
    assert ame("publish", second, "--reason", "a look").status == 0
    assert [one["version"] for one in manifest(home)["rollback"]["held"]] == [third]
    assert ame("publish", third, "--reason", "it was right").status == 0
    body = manifest(home)
    assert (body["version"], body["stale"], body["rollback"]) == (third, False, None)
    assert build.plan_build(settings)["reason"] == "nothing has changed since the published version"
    assert ame("publish", second, "--reason", "no").status == 0
    assert build.plan_build(settings, full_refresh=True)["needed"] is True


def test_damage(three: tuple[Path, list[str]]) -> None:
    home, (first, second, _) = three
    settings = load_settings()
    versions = home / "published" / "versions"
    with (versions / first / "warehouse.duckdb").open("ab") as handle:
        handle.write(b"x")
    before = manifest(home)
    called = ame("publish", first, "--reason", "x")
    assert called.status == 1
    assert "damaged" in called.err
    assert manifest(home) == before
    assert "damaged" in ame("versions").out

    # the public name is lost after a rollback: the next run puts the kept version in place again
    assert ame("publish", second, "--reason", "x").status == 0
    (home / "published" / "warehouse.duckdb").unlink()
    assert build.plan_build(settings)["needed"] is False
    assert participants(home) == 82
    shutil.rmtree(versions / second)  # nothing is left of it: built anew
    assert build.plan_build(settings)["needed"] is True


def test_a_known_incident_does_not_undo_it(
    three: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (_, second, _) = three
    settings = load_settings()
    assert ame("publish", second, "--reason", "x").status == 0
    known = build.fingerprint.parts(settings)
    monkeypatch.setattr(build.fingerprint, "parts", lambda *_: {**known, "acknowledged": "other"})
    assert build.plan_build(settings)["needed"] is False
    monkeypatch.setattr(build.fingerprint, "parts", lambda *_: {**known, "dbt_project": "other"})
    assert build.plan_build(settings)["needed"] is True


def test_errors_and_an_empty_home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = ame("publish", "nonsense", "--reason", "x")
    assert called.status == 2
    assert manifest(home)["version"] in called.err
    assert ame("publish", manifest(home)["version"]).status == 2, "a reason is required"
    monkeypatch.setenv("AME_HOME", str(tmp_path))
    assert ame("versions", "--json").json() == []
    assert ame("publish", "nonsense", "--reason", "x").status == 2


def test_disk_use_counts_a_file_with_two_names_once(home: Path) -> None:
    used = disk.use(load_settings())
    size = (home / "published" / "warehouse.duckdb").stat().st_size
    assert size <= used["published"] < 1.5 * size
    assert used["total"] == sum(n for part, n in used.items() if part != "total")
    assert ame("status", "--json").json()["disk_bytes"]["published"] == used["published"]
    assert "disk " in ame("status").out
