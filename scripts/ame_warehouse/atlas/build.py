"""Make the atlas of the published version: staged beside its place, then swapped in at once."""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ame_warehouse.atlas import pages, queries
from ame_warehouse.atlas.site import FOLDER, Site
from ame_warehouse.errors import AmeError
from ame_warehouse.pipeline.published import open_published, read_manifest
from ame_warehouse.publish import rollback
from ame_warehouse.quality import data_docs
from ame_warehouse.settings import Settings

MARK_FILE = "atlas.json"
LEFT_OUT = {"__pycache__"}
MEMORY_LIMIT = "500MB"
AT_FDCWD, RENAME_EXCHANGE = -100, 2


@dataclass(frozen=True)
class Made:
    """What came of it: where the site is, of which version, if it was made now, and how large it is."""

    folder: str
    version: str
    is_made: bool
    pages: int
    files: int
    bytes: int
    seconds: float


def default_folder(settings: Settings) -> Path:
    """Return where the atlas of this AME_HOME is."""
    return settings.home / "atlas"


def make(settings: Settings, out: Path | None = None, *, is_forced: bool = False) -> Made:
    """Make the site of the published version in `out` (default: AME_HOME/atlas), unless it is there already.

    The state of the sources (`data/status.json`) is brought up to date in any case. Readers see the old site
    until the new one is whole. Raises `AmeError` when nothing is published, when `out` holds something else,
    or when the disk does not allow it.
    """
    target = (out or default_folder(settings)).absolute()
    manifest = read_manifest(settings)
    _require_own(settings, target)
    mark = {"version": str(manifest["version"]), "code": code_mark()}
    found = read_mark(target)
    began = time.monotonic()
    if not is_forced and found and {name: found.get(name) for name in mark} == mark:
        with _readable_faults(target):
            _write_atomically(target / "data" / "status.json", queries.status(manifest))
        return Made(folder=str(target), is_made=False, **found["made"])
    staged = target.with_name(f".{target.name}.{os.getpid()}.partial")
    with _readable_faults(target):
        shutil.rmtree(staged, ignore_errors=True)
        try:
            n_pages = _write(settings, staged, manifest)
            files = [path.stat().st_size for path in staged.rglob("*") if path.is_file()]
            made = Made(
                str(target),
                mark["version"],
                True,
                n_pages,
                len(files),
                sum(files),
                round(time.monotonic() - began, 1),
            )
            said = {name: value for name, value in asdict(made).items() if name not in {"folder", "is_made"}}
            (staged / MARK_FILE).write_text(json.dumps({**mark, "made": said}, indent=2) + "\n")
            _swap(staged, target)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    return made


def read_mark(folder: Path) -> dict[str, Any] | None:
    """Return what `atlas.json` says of the site in a folder; None when there is none."""
    try:
        body = json.loads((folder / MARK_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return body if isinstance(body, dict) and "made" in body else None


def code_mark() -> str:
    """Return a checksum of everything that makes the site: code, templates, texts, styles, libraries."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and not LEFT_OUT & set(path.parts):
            digest.update(str(path.relative_to(FOLDER)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _write(settings: Settings, staged: Path, manifest: dict[str, Any]) -> int:
    staged.mkdir(parents=True)
    beside = tempfile.TemporaryDirectory(dir=staged.parent, prefix=f"{staged.name}.")
    with beside as work, open_published(settings) as con:
        con.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        con.execute("set temp_directory = ?", [work])
        queries.prepare(con, Path(work) / "series.duckdb")
        site = Site(con, staged, manifest, pages.MENU, rollback.kept(settings), data_docs.folder(settings))
        site.copy_static()
        for build_page in pages.BUILDERS:
            build_page(site)
    return len(site.pages)


def _require_own(settings: Settings, target: Path) -> None:
    """Raise `AmeError` when the target is there and is no atlas: somebody else's files are not replaced."""
    is_free = not target.exists() or read_mark(target) or (target.is_dir() and not any(target.iterdir()))
    if is_free and not settings.is_own(target):
        return
    found = "a directory with other files" if target.is_dir() else "a file"
    raise AmeError(
        "the atlas cannot be made there",
        expected=f"a new or empty directory, or one that holds an atlas ({MARK_FILE})",
        found="a place that the pipeline keeps for itself" if is_free else found,
        source=str(target),
        action="choose another directory with --out, or move these files away",
    )


def _write_atomically(path: Path, body: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)


def _swap(staged: Path, target: Path) -> None:
    """Put the staged directory in the place of the target; on Linux no moment lies between."""
    if not target.exists():
        staged.rename(target)
        return
    if _exchange(staged, target):
        return  # what was there is now in `staged`, which the caller removes
    aside = target.with_name(f".{target.name}.{os.getpid()}.old")
    target.rename(aside)
    try:
        staged.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two directories in one step; False where the system cannot."""
    name = ctypes.util.find_library("c")
    rename = getattr(ctypes.CDLL(name), "renameat2", None) if name else None
    if rename is None:
        return False
    return bool(
        rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), ctypes.c_uint(RENAME_EXCHANGE)) == 0
    )


@contextmanager
def _readable_faults(target: Path) -> Iterator[None]:
    """Turn a fault of the disk into an error that says what to do."""
    try:
        yield
    except OSError as exc:
        raise AmeError(
            "the atlas cannot be written",
            expected="free space and permission to write beside it",
            found=f"{type(exc).__name__}: {exc.strerror or exc}",
            source=str(target),
            action="free space or correct the permissions, then run `ame atlas`; what was there before stays",
        ) from exc
