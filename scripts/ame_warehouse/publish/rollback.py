"""The versions that are kept, and putting one of them back in place of the published one.

What is put back is the kept version as it was checked and published. Its manifest gets a block `rollback`
(who, when, why, what it replaced) and is marked stale. `rollback.held` lists the inputs of the newer
versions: while a run finds nothing but these, it builds nothing, so it neither undoes the rollback nor
publishes the same again. Any other input (a fetch with news, another seed, model or code) is built, checked
and published.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ame_warehouse.errors import AmeError, PublishError
from ame_warehouse.publish import manifest as manifests
from ame_warehouse.publish import publisher
from ame_warehouse.settings import Settings

NOT_INPUT = "acknowledged"  # that somebody knows of an incident is no reason to bring back what was set aside


class UnknownVersionError(AmeError):
    """The version is not kept (exit status 2)."""

    exit_code = 2


def versions_folder(settings: Settings) -> Path:
    """Return where the kept versions are."""
    return settings.published / "versions"


def kept(settings: Settings) -> list[dict[str, Any]]:
    """Return the kept versions, newest first.

    Each: version, published (bool), built_at, as_of, mode, git_revision, tables, rows, bytes, is_complete
    (files as its manifest says, by size).
    """
    root = versions_folder(settings)
    current = (manifests.read_manifest(settings) or {}).get("version")
    found = []
    for path in sorted(root.iterdir(), reverse=True) if root.is_dir() else []:
        if not path.is_dir():
            continue
        body = manifests.read_json(path / "manifest.json")
        files = body.get("files") or {}
        found.append(
            {
                "version": path.name,
                "published": path.name == current,
                **{name: body.get(name) for name in ("built_at", "as_of", "mode", "git_revision")},
                "tables": len(body.get("tables") or {}),
                "rows": sum((body.get("row_counts") or {}).values()),
                "bytes": sum(one.stat().st_size for one in path.rglob("*") if one.is_file()),
                "is_complete": bool(files) and all(_size(path / n) == f["bytes"] for n, f in files.items()),
            }
        )
    return found


def newest(settings: Settings) -> str | None:
    """Return the newest version that was published here, set aside or not; None when none was."""
    current = manifests.read_manifest(settings)
    if current is None:
        return None
    held = (current.get("rollback") or {}).get("held") or []
    return max(str(one["version"]) for one in [current, *held])


def put_back(settings: Settings, version: str, *, by: str, reason: str) -> dict[str, Any] | None:
    """Publish a kept version and return its manifest; None when it is the published one already.

    The caller holds the writer lock. Raises `UnknownVersionError` when it is not kept, `PublishError` when
    its files are damaged or disk or permissions do not allow it; what is published is then untouched.
    """
    known = [one["version"] for one in kept(settings)]
    if version not in known:
        raise UnknownVersionError(
            "this version is not kept",
            expected="one of: " + (", ".join(known) or "(none)"),
            found=repr(version),
            source=str(versions_folder(settings)),
            action="see `ame versions`",
        )
    current = manifests.read_manifest(settings)
    if current and current.get("version") == version and publisher.is_intact(settings):
        return None
    body = _checked(settings, version)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    held = _held(current, version)
    body["rollback"] = None
    if held:
        replaced = current.get("version") if current else None
        body["rollback"] = {"at": now, "by": by, "reason": reason, "replaced": replaced, "held": held}
        body |= {
            "stale": True,
            "stale_since": now,
            "stale_reason": f"version {version} was put back in place of {replaced} by {by}: {reason}",
        }
    _place(settings, version, body)
    return body


def holds(published: dict[str, Any], parts: dict[str, str]) -> str | None:
    """Return why a build must not replace what was put back; None when nothing was, or the input is new.

    `parts` is the fingerprint, part by part, of the build that would be made now.
    """
    rollback = published.get("rollback")
    if not rollback:
        return None
    wanted = _input(parts)
    for one in rollback.get("held") or []:
        if _input(one.get("fingerprint_parts") or {}) == wanted:
            return (
                f"version {published['version']} was put back by {rollback['by']} ({rollback['reason']}), "
                f"and there is nothing new since {one['version']}, which it set aside"
            )
    return None


def repair(settings: Settings, published: dict[str, Any]) -> bool:
    """Put the files of a rolled-back version in place again when they are damaged; False when that fails."""
    if publisher.is_intact(settings):
        return True
    try:
        _checked(settings, published["version"])
        _place(settings, published["version"], published)
    except PublishError:
        return False
    return publisher.is_intact(settings)


def _checked(settings: Settings, version: str) -> dict[str, Any]:
    """Return the manifest of a kept version whose files are as it says; raise `PublishError` otherwise."""
    folder = versions_folder(settings) / version
    body = manifests.read_json(folder / "manifest.json")
    wrong = publisher.damaged(folder, body)
    if wrong is not None:
        raise PublishError(
            f"the kept version {version} is damaged and cannot be published",
            expected="files as its manifest says",
            found=wrong,
            source=str(folder),
            action="choose another version (`ame versions`), or restore this one from a backup",
        )
    return body


def _held(current: dict[str, Any] | None, version: str) -> list[dict[str, Any]]:
    """Return the inputs of the versions newer than `version` that are or were set aside, newest first."""
    if current is None:
        return []
    before = (current.get("rollback") or {}).get("held") or []
    own = {name: current.get(name) for name in ("version", "fingerprint_parts")}
    found = {one["version"]: one for one in [*before, own] if one["version"] > version}
    return [found[name] for name in sorted(found, reverse=True)]


def _input(parts: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in parts.items() if name != NOT_INPUT}


def _place(settings: Settings, version: str, body: dict[str, Any]) -> None:
    publisher.clean_up(settings)
    publisher.swap(settings, versions_folder(settings) / version)
    manifests.write_json(manifests.manifest_path(settings), body)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
