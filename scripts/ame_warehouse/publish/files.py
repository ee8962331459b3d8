"""Files that must be on the disk before their names change."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path


def sync_tree(root: Path) -> None:
    """Sync a directory and all below it."""
    for path in sorted(root.rglob("*"), reverse=True):
        sync(path)
    sync(root)


def sync(path: Path) -> None:
    """Sync a file or directory to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """Return the checksum of a file, in hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def place(source: Path, target: Path) -> None:
    """Put a copy of `source` in the place of `target` in one step; without a source, take the target away."""
    if not source.is_file():
        target.unlink(missing_ok=True)
        return
    staged = target.with_name(f".swap-{target.name}")
    shutil.copyfile(source, staged)
    sync(staged)
    staged.replace(target)
