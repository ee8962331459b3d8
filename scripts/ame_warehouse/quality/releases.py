"""Decisions about rows in quarantine: dated, with a role and a note, never removed.

They stand in `AME_HOME/quality/releases.csv`, one row per decision: `release` says what a value is, `undo`
takes that back. dbt uses the last decision about each row (`stg_releases`).
"""

from __future__ import annotations

import csv
import math
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ame_warehouse.errors import AmeError, SettingsError
from ame_warehouse.pipeline import locks
from ame_warehouse.pipeline.faults import readable
from ame_warehouse.quality.results import now_text
from ame_warehouse.settings import Settings

RELEASE, UNDO = "release", "undo"


@dataclass(frozen=True)
class Decision:
    """One decision; `decided_at` is UTC, ISO 8601 without a time zone, `value` empty for `undo`."""

    quarantine_id: str
    decision: str
    value: str
    decided_by: str
    decided_at: str
    note: str
    raw_value: str
    about: str


COLUMNS = tuple(field.name for field in fields(Decision))


def store_path(settings: Settings) -> Path:
    """Return the file in which the decisions stand."""
    return settings.quality / "releases.csv"


def decisions(settings: Settings, quarantine_id: str | None = None) -> list[Decision]:
    """Return the decisions (about one row), oldest first; raise `AmeError` for a file not in its form."""
    path = store_path(settings)
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            found = [Decision(**row) for row in reader]
    except (OSError, ValueError, TypeError, csv.Error) as exc:
        raise AmeError(
            "the decisions about the quarantine cannot be read",
            expected="columns " + ",".join(COLUMNS),
            found=f"{type(exc).__name__}: {exc}",
            source=str(path),
            action="correct the line that is named, or restore the file from a backup",
        ) from exc
    return [one for one in found if quarantine_id in (None, one.quarantine_id)]


def in_force(settings: Settings, quarantine_id: str) -> Decision | None:
    """Return the release of a row that is in force."""
    last = decisions(settings, quarantine_id)[-1:]
    return last[0] if last and last[0].decision == RELEASE else None


def release(settings: Settings, quarantine_id: str, value: float, **said: str) -> Decision:
    """Say what a row is; `said` holds by, note, raw_value and about.

    Raises `SettingsError` for a value that is no finite number, and without role or note.
    """
    if not math.isfinite(value):
        raise SettingsError(
            "the value cannot be used", expected="a number, as 12.5", found=str(value), source="--value"
        )
    return _append(settings, Decision(quarantine_id, RELEASE, repr(value), **_signed(**said)))


def undo(settings: Settings, quarantine_id: str, **said: str) -> Decision:
    """Take a release back; raises `AmeError` when none is in force."""
    if in_force(settings, quarantine_id) is None:
        raise AmeError(
            f"{quarantine_id} has not been released",
            expected="a row whose release is in force",
            found=quarantine_id,
            source=str(store_path(settings)),
            action="list them with `ame quarantine --all`",
        )
    return _append(settings, Decision(quarantine_id, UNDO, "", **_signed(**said)))


def _signed(*, by: str, note: str, raw_value: str, about: str) -> dict[str, str]:
    if not by.strip() or not note.strip():
        raise SettingsError(
            "a decision needs a role and a note",
            expected="who decides, and why",
            found=f"by={by!r}, note={note!r}",
            source="--by, --note",
            action="give both",
        )
    return {
        "decided_by": " ".join(by.split()),
        "decided_at": now_text(),
        "note": " ".join(note.split()),
        "raw_value": raw_value,
        "about": about,
    }


def _append(settings: Settings, decision: Decision) -> Decision:
    path = store_path(settings)
    partial = path.with_name(f".{path.name}.partial")
    lock = settings.home / ".locks" / "releases.lock"
    with locks.hold(lock, "ame quarantine", wait_seconds=30, busy_action="try again"):
        rows = [*decisions(settings), decision]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("w", encoding="utf-8", newline="") as handle:
                writer = csv.writer(handle, lineterminator="\n")
                writer.writerows([COLUMNS, *(astuple(row) for row in rows)])
            partial.replace(path)
        except OSError as exc:
            raise readable(exc, path) or exc from exc
    return decision
