"""PostgreSQL and the atlas beside a publication: every run that meets a fault counts, its return is told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ame_warehouse.atlas import build as atlas_build
from ame_warehouse.atlas import step as atlas
from ame_warehouse.quality.incidents import list_incidents
from ame_warehouse.serve import step as serving
from ame_warehouse.settings import Settings


def test_a_server_that_stays_away_is_seen_by_every_run(tmp_path: Path) -> None:
    dsn = "postgresql://ame@127.0.0.1:1/ame?connect_timeout=2"
    settings = Settings(home=tmp_path / "home", serve_dsn=dsn)
    for _ in range(3):
        assert serving.catch_up(settings, {"version": "v1"}).status == "failed"
    (incident,) = list_incidents(settings)
    assert (incident.check_id, incident.times_seen) == ("postgres_publication", 3)


def test_an_atlas_that_cannot_be_made_is_seen_by_every_run_and_told_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path / "home")
    faults: list[Exception | None] = [ValueError("a page"), ValueError("a page"), None, ValueError("a page")]

    def make(_settings: Settings) -> Any:
        if fault := faults.pop(0):
            raise fault
        return SimpleNamespace()

    monkeypatch.setattr(atlas_build, "make", make)
    monkeypatch.setattr(atlas, "asdict", lambda _made: {"version": "v1", "is_made": True})
    outcomes = [atlas.make(settings) for _ in range(4)]
    assert [one["status"] for one in outcomes] == ["failed", "failed", "made", "failed"]
    assert [one["incidents"] for one in outcomes] == [["INC-0001"], [], ["INC-0001"], ["INC-0001"]]
    (incident,) = list_incidents(settings)
    assert (incident.check_id, incident.times_seen, incident.is_open) == ("atlas_made", 3, True)
