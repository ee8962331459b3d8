"""Homes of the tests: point the settings at one, publish into one."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ame_warehouse.dictionary.table import write_dictionary
from ame_warehouse.history import changes
from ame_warehouse.pipeline import build
from ame_warehouse.publish import publisher
from ame_warehouse.quality import results as checks
from ame_warehouse.quality.backfill_table import write_backfills
from ame_warehouse.quality.incident_table import write_incidents
from ame_warehouse.quality.results import RunState
from ame_warehouse.settings import Settings


def publish_candidate(settings: Settings, version: str) -> None:
    """Publish a candidate as `build.publish` does, without the gate."""
    candidate = build.candidate_path(settings, version)
    state = RunState.load(build.state_path(settings, version))
    changed = changes.collect(settings, version, candidate, state.notes.get("built_at") or "")
    with duckdb.connect(str(candidate)) as con:
        checks.write_check_results(con, version, [])
        write_incidents(con, [])
        changes.write(con, settings, changed)
        write_backfills(con, [])
        write_dictionary(con, settings)
    publisher.publish(settings, build._publication(state, candidate))


def set_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Let the settings of this process point to `home`, with nothing of the caller's own."""
    for name in Settings.model_fields:
        patch.delenv(f"AME_{name.upper()}", raising=False)
    patch.setenv("AME_HOME", str(home))
    patch.setenv("AME_SOURCES", "sample")
