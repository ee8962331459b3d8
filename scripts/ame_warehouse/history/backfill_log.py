"""The log of backfills: who asked for which part again, why, what was fetched, and what changed by it.

AME_HOME/quality/backfills.jsonl has one line per event; the lines of one backfill make one entry. An entry is
`started`, then `fetched` (landed, not yet published), and ends as `done` or `failed`.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from ame_warehouse.errors import AmeError, LandingError
from ame_warehouse.landing.index import MEASURES, fetch_dir
from ame_warehouse.settings import Settings

LONGEST = timedelta(hours=24)
ORDER = ("measures", "municipalities", "years")
Entry = dict[str, Any]


class _Logged(BaseModel):
    """What the code relies on in an entry."""

    model_config = ConfigDict(strict=True)
    backfill_id: str
    started_at: Annotated[AwareDatetime, Field(strict=False)]
    outcome: Literal["started", "fetched", "done", "failed"]
    mode: str | None = None
    by: str | None = None
    reason: str | None = None
    error: str | None = None
    measures: list[str] | None = None
    municipalities: list[str] | None = None
    years: list[int] | None = None
    requests: int | None = None
    fetch_ids: list[str] | None = None
    measure_outcomes: dict[str, int] | None = None
    changed: dict[str, int] | None = None

    @model_validator(mode="after")
    def _landed(self) -> Self:
        if self.outcome in ("fetched", "done") and (self.fetch_ids is None or self.measure_outcomes is None):
            raise ValueError("a backfill that has landed names its fetches")
        return self


def log_path(settings: Settings) -> Path:
    """Return the log of backfills: one JSON object a line."""
    return settings.quality / "backfills.jsonl"


def logged(settings: Settings) -> list[Entry]:
    """Return the logged backfills, oldest first; a line that was cut off, or is none of ours, is left out."""
    try:
        lines = log_path(settings).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    entries: dict[str, Entry] = {}
    for text in lines:
        try:
            event = json.loads(text)
            key = event["backfill_id"]
            _Logged.model_validate({**entries.get(key, {}), **event})
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        entries.setdefault(key, {}).update(event)
    return list(entries.values())


def begin(settings: Settings, order: dict[str, Any], by: str, reason: str | None) -> Entry:
    """Log that a backfill begins; return its entry."""
    now = datetime.now(UTC)
    return _write(
        settings,
        {
            "backfill_id": f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            "started_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "by": by,
            "reason": reason,
            "mode": settings.sources,
            **{name: order.get(name) for name in ORDER},
            "version_before": _version(settings),
            "outcome": "started",
        },
    )


def fetched(settings: Settings, entry: Entry, fetch: dict[str, Any]) -> Entry:
    """Log that a backfill has landed: from here on nothing needs to be asked again."""
    found = {name: fetch[name] for name in ("requests", "fetch_ids")}
    return _write(
        settings, _next(entry, "fetched", **found, measure_outcomes=fetch["measures"]) | {"error": None}
    )


def failed(settings: Settings, entry: Entry, error: str) -> Entry:
    """Log that a backfill failed. What it had landed stays, and the next build uses it."""
    return _write(settings, _next(entry, "failed", error=error, version_after=_version(settings)))


def give_up(settings: Settings, order: dict[str, Any], by: str, reason: str | None, error: str) -> Entry:
    """Log that the run of a backfill failed, unless its own step has said so already."""
    newest = next(
        (one for one in reversed(logged(settings)) if _is_order(one, order) and _is_young(one)), None
    )
    if newest is not None and newest["outcome"] == "failed" and newest.get("error") == error:
        return newest
    is_open = newest is not None and newest["outcome"] in ("started", "fetched")
    return failed(settings, newest if newest and is_open else begin(settings, order, by, reason), error)


def interrupted(settings: Settings, order: dict[str, Any]) -> Entry | None:
    """Return the backfill of this order that has landed and was never published, of the last day."""
    for entry in reversed(logged(settings)):
        if _is_order(entry, order):
            return entry if entry["outcome"] == "fetched" and _is_young(entry) else None
    return None


def by_id(settings: Settings, backfill_id: str) -> Entry | None:
    """Return the entry of a backfill; None when there is none."""
    return next((one for one in logged(settings) if one["backfill_id"] == backfill_id), None)


def settled(
    settings: Settings, version: str, built_at: str | None = None, candidate: Path | None = None
) -> list[Entry]:
    """Return the entries that end with a version, with what it changes; nothing is written yet.

    Args:
        version: the version that is published with these backfills in it.
        built_at: when its build was planned (UTC); what was parsed later is not in it. None = now.
        candidate: the file that will be published; None = nothing changed, `version` stays.
    """
    waiting = [
        entry
        for entry in logged(settings)
        if entry.get("outcome") == "fetched" and _is_in(settings, entry, built_at)
    ]
    changed = _changed(settings, version, candidate) if waiting else None
    return [_next(entry, "done", version_after=version, changed=changed) for entry in waiting]


def merged(settings: Settings, newer: Iterable[Entry]) -> list[Entry]:
    """Return all entries, those in `newer` as they stand there."""
    entries = {one["backfill_id"]: one for one in [*logged(settings), *newer]}
    return [one for one in entries.values() if one.get("mode") == settings.sources]


def write(settings: Settings, entries: Iterable[Entry]) -> None:
    """Append entries to the log."""
    for entry in entries:
        _write(settings, entry)


def line(entry: Entry) -> str:
    """Return one line about a logged backfill, for people."""
    order = [entry.get(name) for name in ORDER]
    asked = "; ".join(_short(part) for part in order if part) or "everything"
    changed = {kind: n for kind, n in (entry.get("changed") or {}).items() if n}
    came = entry.get("error") or ", ".join(f"{n} {kind}" for kind, n in changed.items()) or "nothing changed"
    if entry.get("outcome") in ("started", "fetched"):
        came = "interrupted" if entry["outcome"] == "started" else "landed, not published yet"
    reason = f" ({entry['reason']})" if entry.get("reason") else ""
    return f"{str(entry.get('started_at'))[:16].replace('T', ' ')} {entry.get('by')}: {asked}{reason}: {came}"


def _short(values: list[Any]) -> str:
    shown = ",".join(str(value) for value in values[:4])
    return shown + (f",… ({len(values)})" if len(values) > 4 else "")  # noqa: PLR2004


def _next(entry: Entry, outcome: str, **more: Any) -> Entry:
    started = datetime.fromisoformat(str(entry["started_at"]))
    seconds = round((datetime.now(UTC) - started).total_seconds(), 1)
    return entry | {"outcome": outcome, "seconds": seconds, **more}


def _is_order(entry: Entry, order: dict[str, Any]) -> bool:
    return all(entry.get(name) == order.get(name) for name in ORDER)


def _is_young(entry: Entry) -> bool:
    return datetime.now(UTC) - datetime.fromisoformat(str(entry["started_at"])) <= LONGEST


def _is_in(settings: Settings, entry: Entry, built_at: str | None) -> bool:
    """Return whether all fetches of an entry had been parsed when a build was planned."""
    limit = datetime.fromisoformat(built_at).timestamp() + 1 if built_at else float("inf")
    for fetch_id in entry.get("fetch_ids") or []:
        try:
            parsed_at = (fetch_dir(settings.observations, fetch_id) / MEASURES).stat().st_mtime
        except OSError:
            return False
        if parsed_at > limit:
            return False
    return True


def _version(settings: Settings) -> str | None:
    from ame_warehouse.publish.manifest import read_manifest

    version = (read_manifest(settings) or {}).get("version")
    return str(version) if version else None


def _changed(settings: Settings, version: str, candidate: Path | None) -> dict[str, int] | None:
    """Return the number of changes by kind; None when there is nothing to compare with."""
    from ame_warehouse.history import changes, diff

    none = dict.fromkeys(diff.KINDS, 0)
    if candidate is None:
        return none
    published = _version(settings)
    if published is None:
        return None
    if published == version:  # the step is repeated: there is nothing left to compare with
        found = (changes.said(settings, version) or {"rows": []})["rows"]
        return {kind: sum(row["n"] for row in found if row["change"] == kind) for kind in none}
    try:
        now = diff.State(version, candidate, None, None)
        return dict(diff.compare(settings, diff.state(settings, "published"), now)["summary"])
    except AmeError:
        return None


def _write(settings: Settings, entry: Entry) -> Entry:
    path = log_path(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as handle:
            cut = handle.seek(0, os.SEEK_END) and _last_byte(handle) != b"\n"
            text = json.dumps(entry, ensure_ascii=False).replace("\\u0000", " ")
            handle.write((("\n" if cut else "") + text + "\n").encode("utf-8", "replace"))
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as exc:
        raise LandingError(
            "the log of backfills cannot be written",
            expected="free space and permission to write in AME_HOME/quality",
            found=f"{type(exc).__name__}: {exc.strerror or exc}",
            source=str(path),
            action="free space or correct the permissions",
        ) from exc
    return entry


def _last_byte(handle: Any) -> bytes:
    handle.seek(-1, os.SEEK_END)
    return bytes(handle.read(1))
