"""Housekeeping: what may go, what is packed, by which rule; nothing that a record needs is touched."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ame_warehouse.errors import AmeError
from ame_warehouse.landing import compact, packs, resume
from ame_warehouse.landing.store import Objects, fetch_ids, new_fetch_id, read_fetch, read_requests
from ame_warehouse.pipeline.faults import readable
from ame_warehouse.publish import names
from ame_warehouse.settings import Settings

SOURCES = ("kolada", "arbetsformedlingen")
FRESH = 24 * 3600  # seconds: what is younger may belong to a fetch that goes on
FEWEST_PACKED = 20
KEEP_CANDIDATES = 2
RULES = {
    "orphans": "answers of the landing that no record names (left by a killed fetch), older than a day",
    "partial_fetches": "fetches that were interrupted and cannot go on any more, older than a day",
    "candidates": "candidates of builds but the newest two, and what dbt spilled to disk",
    "versions": "published versions beyond AME_KEEP_VERSIONS; the published one always stays",
    "as_of": "files of `ame as-of` older than AME_KEEP_DAYS",
    "logs": "Airflow's and dbt's logs older than AME_KEEP_DAYS",
}


@dataclass(frozen=True)
class Found:
    """Something that may go: which rule says so, where it is, how large it is in bytes."""

    rule: str
    path: Path
    bytes: int


def plan(settings: Settings) -> list[Found]:
    """Return all that may go, by the rules; nothing is changed."""
    return sorted(
        [Found(rule, path, _size(path)) for rule, path in _candidates(settings)],
        key=lambda one: (one.rule, str(one.path)),
    )


def packable(settings: Settings, source: str) -> list[str]:
    """Return the ids of fetches whose records are old enough to be packed; empty when they are too few."""
    limit = _before(settings)
    packed = packs.packed_ids(settings.landing, source)
    old = [one for one in fetch_ids(settings.landing, source) if one < limit and one not in packed]
    return old if len(old) >= FEWEST_PACKED else []


def clean(settings: Settings) -> dict[str, Any]:
    """Do the housekeeping and return what was done; the caller holds the writer lock.

    Returns {"removed": {rule: {"n", "bytes"}}, "packed": {source: {"fetches", "bytes"}}, "compacted":
    {"fetches", "bytes"}}. Interrupted anywhere, it leaves everything usable; the next call goes on. Raises
    `AmeError` when disk or permissions do not allow it.
    """
    removed: dict[str, dict[str, int]] = {}
    packed: dict[str, dict[str, int]] = {}
    try:
        for one in plan(settings):
            _remove(one.path)
            sums = removed.setdefault(one.rule, {"n": 0, "bytes": 0})
            sums["n"] += 1
            sums["bytes"] += one.bytes
        for source in SOURCES:
            packs.remove_packed(settings.landing, source)
            old = packable(settings, source)
            saved = packs.pack(settings.landing, source, old) if old else 0
            packed[source] = {"fetches": len(old), "bytes": saved}
        return {
            "removed": removed,
            "packed": packed,
            "compacted": compact.compact(settings, _before(settings)),
        }
    except OSError as exc:
        known = readable(exc, settings.home)
        raise known or AmeError("the housekeeping failed", found=str(exc), source=str(settings.home)) from exc


def referenced(settings: Settings) -> set[str]:
    """Return the checksums that any record names: of finished fetches, packed ones, and those that go on."""
    found: set[str] = set()
    for source in SOURCES:
        for fetch_id in fetch_ids(settings.landing, source):
            found |= set(_checksums(read_fetch(settings.landing, fetch_id, source)))
            found |= set(_checksums(list(read_requests(settings.landing, fetch_id, source))))
        for path in (settings.landing / source).glob(".partial-*"):
            found |= set(_checksums(resume.whole_records(path / "requests.jsonl")))
    return found


def _before(settings: Settings) -> str:
    """Return the first fetch id that is not old."""
    return new_fetch_id(datetime.now(UTC) - timedelta(days=settings.keep_days))[:22]


def _candidates(settings: Settings) -> Iterator[tuple[str, Path]]:
    yield from (("orphans", path) for path in _orphans(settings))
    for source in SOURCES:
        going_on = resume.resumable(settings.landing, source)
        for path in (settings.landing / source).glob(".partial-*"):
            if path.name.removeprefix(".partial-") not in going_on and _is_old(path, FRESH):
                yield "partial_fetches", path
    yield from (("candidates", path) for path in _work(settings))
    root = settings.published
    yield from (("versions", path) for path in names.surplus(root, settings.keep_versions))
    days = settings.keep_days * 86_400
    yield from (("as_of", path) for path in (settings.home / "as_of").glob("*.duckdb") if _is_old(path, days))
    for folder in (settings.airflow_home / "logs", settings.build / "logs"):
        yield from (("logs", path) for path in folder.rglob("*.log*") if _is_old(path, days))


def _orphans(settings: Settings) -> list[Path]:
    root = Objects(settings.landing).root
    old = [path for path in root.glob("??/*") if _is_old(path, FRESH)]
    if not old:
        return []
    named = referenced(settings)
    return [path for path in old if path.name.split(".")[0] not in named]


def old_candidates(settings: Settings) -> list[Path]:
    """Return the files of all builds but the newest two."""
    found = list(settings.build.glob("*Z-????????.*"))
    versions = sorted({path.name.split(".")[0] for path in found})
    kept = set(versions[-KEEP_CANDIDATES:])
    return [path for path in found if path.name.split(".")[0] not in kept]


def _work(settings: Settings) -> Iterator[Path]:
    yield from old_candidates(settings)
    yield from (path for path in (settings.build / "spill").glob("*") if _is_old(path, FRESH))


def _checksums(value: Any) -> Iterator[str]:
    """Yield every text in a record that can be a checksum, wherever it stands."""
    if isinstance(value, str):
        if len(value) == 64:  # noqa: PLR2004 - sha256 in hexadecimal digits
            yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _checksums(one)
    elif isinstance(value, list):
        for one in value:
            yield from _checksums(one)


def _is_old(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > seconds
    except OSError:
        return False


def _size(path: Path) -> int:
    files: Iterable[Path] = path.rglob("*") if path.is_dir() else [path]
    return sum(one.lstat().st_blocks * 512 for one in files if one.is_file())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
