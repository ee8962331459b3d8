"""The manifest of what is published: version, times, row counts, checksums, sources, and if it is stale."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.builder.fingerprint import observation_files
from ame_warehouse.errors import LandingError, PublishError
from ame_warehouse.landing.store import fetch_ids, read_fetch
from ame_warehouse.publish import shape
from ame_warehouse.settings import Settings

MANIFEST_VERSION = 1
WORKBOOKS = "arbetsformedlingen"
RESERVE = ".reserve"
SOURCES_SQL = """
select
    source,
    max_by(fetch_id, (fetched_at, fetch_id)) as newest_fetch,
    strftime(max(fetched_at), '%Y-%m-%dT%H:%M:%SZ') as fetched_at,
    strftime(max(retrieved_at), '%Y-%m-%dT%H:%M:%SZ') as retrieved_at,
    strftime(max(fetched_at) filter (outcome = 'complete'), '%Y-%m-%dT%H:%M:%SZ') as newest_complete,
    count(distinct fetch_id) as fetches,
    count(distinct kpi_id) as measures
from read_parquet($files, union_by_name = true, hive_partitioning = false)
where mode = $mode and ($as_of is null or fetched_at <= $as_of::timestamp)
group by source
order by source
"""


def manifest_path(settings: Settings) -> Path:
    """Return where the manifest of the published version is."""
    return settings.published / "manifest.json"


def read_manifest(settings: Settings) -> dict[str, Any] | None:
    """Return the manifest of the published version, None when nothing is published (or it is unreadable)."""
    return read_json(manifest_path(settings)) or None


def read_json(path: Path) -> dict[str, Any]:
    """Return the manifest in a file; an empty one when there is none or it cannot be relied on."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {} if shape.fault(body) else dict(body)


def write_json(path: Path, body: dict[str, Any]) -> None:
    """Replace a JSON file atomically; raise `PublishError` when disk or permissions do not allow it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as handle:
            json.dump(body, handle, ensure_ascii=False, indent=2)
            handle.write("\n")
            handle.flush()
            os.fsync(handle.fileno())
        partial.replace(path)
    except OSError as exc:
        partial.unlink(missing_ok=True)
        raise PublishError(
            f"{path.name} cannot be written",
            expected="free space and permission to write in AME_HOME/published",
            found=f"{type(exc).__name__}: {exc.strerror or exc}",
            source=str(path),
            action="free space or correct the permissions, then run `ame run` again",
        ) from exc


def sources(settings: Settings, as_of: str | None = None) -> dict[str, dict[str, Any]]:
    """Return, by source, the newest fetch of this mode: fetch_id, fetched_at, retrieved_at and counts.

    `fetched_at` is the knowledge time (of the sample: the vintage date), `retrieved_at` the clock time; UTC.
    """
    found = _workbooks(settings, as_of)
    files = observation_files(settings, "measures")
    if files is None:
        return found
    try:
        with duckdb.connect() as con:
            cursor = con.execute(SOURCES_SQL, {"files": files, "mode": settings.sources, "as_of": as_of})
            names = [column[0] for column in cursor.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except duckdb.Error as exc:
        raise LandingError(
            "the index of observations cannot be read",
            expected="the Parquet files that parsing the landing writes",
            found=str(exc).splitlines()[0],
            source=str(settings.observations),
            action="move the directory aside and run `ame run`: it is made again from the landing",
        ) from exc
    return {**found, **{row.pop("source"): {"mode": settings.sources, **row} for row in rows}}


def _workbooks(settings: Settings, as_of: str | None) -> dict[str, dict[str, Any]]:
    """Return the newest fetch of Arbetsförmedlingen's workbooks; one that found nothing new counts too."""
    fetches = [
        fetch
        for fetch_id in fetch_ids(settings.landing, WORKBOOKS)
        if (fetch := read_fetch(settings.landing, fetch_id, WORKBOOKS))["mode"] == settings.sources
        and (as_of is None or fetch["fetched_at"][:19] <= as_of.replace(" ", "T")[:19])
    ]
    if not fetches:
        return {}
    newest = max(fetches, key=lambda fetch: (fetch["fetched_at"], fetch["fetch_id"]))
    return {
        WORKBOOKS: {
            "mode": settings.sources,
            "newest_fetch": newest["fetch_id"],
            "fetched_at": _utc(newest["fetched_at"]),
            "retrieved_at": _utc(max(fetch["finished_at"] for fetch in fetches)),
            "newest_complete": _utc(max((f["fetched_at"] for f in fetches if f["changed"]), default=None)),
            "fetches": len(fetches),
            "files": len(newest["files"]),
        }
    }


def _utc(text: str | None) -> str | None:
    return f"{text[:19]}Z" if text else None


def refresh_sources(settings: Settings) -> dict[str, Any] | None:
    """Bring the newest fetches of the sources in the manifest up to date; nothing else changes.

    For a run in which the sources said nothing new. The published version is what a build would give now,
    so a mark `stale` is taken off. Returns the manifest, None when nothing is published.
    """
    manifest = read_manifest(settings)
    if manifest is None:
        return None
    fresh = {
        **manifest,
        "sources": sources(settings, manifest.get("as_of_asked")),
        "stale": False,
        "stale_since": None,
        "stale_reason": None,
    }
    if fresh != manifest:
        write_json(manifest_path(settings), fresh)
    return fresh


def mark_stale(settings: Settings, reason: str, now: str) -> dict[str, Any] | None:
    """Say in the manifest that the published version is not up to date, and why; the tables stay as they are.

    `stale_since` keeps the first time. Returns the manifest, None when nothing is published.
    """
    manifest = read_manifest(settings)
    if manifest is None:
        return None
    since = manifest.get("stale_since") if manifest.get("stale") else None
    manifest.update(stale=True, stale_since=since or now, stale_reason=reason)
    try:
        write_json(manifest_path(settings), manifest)
    except PublishError:
        if not _give_up_reserve(settings):
            raise
        write_json(manifest_path(settings), manifest)
    return manifest


def keep_reserve(settings: Settings) -> None:
    """Keep some bytes of the disk for the mark `stale`, which has to be written on a full disk too."""
    path = settings.quality / RESERVE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        size = 2 * manifest_path(settings).stat().st_size
        if not path.exists() or path.stat().st_size < size:
            path.write_bytes(bytes(size))
    except OSError:  # no room even for that: the next publication tries again
        path.unlink(missing_ok=True)


def _give_up_reserve(settings: Settings) -> bool:
    try:
        (settings.quality / RESERVE).unlink()
    except OSError:
        return False
    return True


def git_revision(project: Path) -> str | None:
    """Return the git revision of the project, `-dirty` added when files differ from it; None without git."""
    if not (project / ".git").exists():
        return None
    try:
        commit = _git(project, "rev-parse", "HEAD")
        changed = _git(project, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _git(project: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(project), "--no-optional-locks", *args],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()
