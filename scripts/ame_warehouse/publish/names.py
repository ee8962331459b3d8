"""The names that readers open, and what stands behind them: each is replaced in one step, after a sync."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ame_warehouse.publish import metadata
from ame_warehouse.publish.files import place, sync, sync_tree

KEEP_VERSIONS = 3
AGAIN = ".again"  # what readers see while the directory of a version that is published again is replaced


def swap_names(root: Path, target: Path) -> None:
    """Let the public names point at the new version, each in one step."""
    link = root / ".swap-warehouse"
    _link_or_copy(str(target / "warehouse.duckdb"), str(link))
    sync(link)
    link.replace(root / "warehouse.duckdb")
    wal = root / "warehouse.duckdb.wal"  # left by somebody who opened the old file for writing
    wal.unlink(missing_ok=True)

    for name in metadata.FILES:
        place(target / name, root / name)

    public = root / "parquet"
    arrow = root / ".swap-parquet"
    if public.is_dir() and not public.is_symlink():  # restored from a copy that followed the link
        public.rename(root / ".swap-parquet-old")
    arrow.symlink_to((target / "parquet").relative_to(root), target_is_directory=True)
    arrow.replace(public)
    shutil.rmtree(root / ".swap-parquet-old", ignore_errors=True)


def make_way(root: Path, staging: Path, target: Path) -> None:
    """Remove the directory of a version that is published again, with the public names never in the air.

    They move to a second name of the staged files first.
    """
    again = root / AGAIN
    if not again.exists():  # else readers see it already: an earlier attempt was killed here
        shutil.copytree(staging, again, copy_function=_link_or_copy)
        sync_tree(again)
        swap_names(root, again)
    shutil.rmtree(target)


def drop_again(root: Path) -> None:
    """Remove the second name of the staged files, unless readers still see it."""
    again = root / AGAIN
    if (root / "parquet").resolve() != (again / "parquet").resolve():
        shutil.rmtree(again, ignore_errors=True)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # no hard links here
        shutil.copyfile(source, target)


def forget_old(root: Path, current: str) -> None:
    """Keep the newest three versions; the one that is published is always among them."""
    others = sorted(path for path in (root / "versions").iterdir() if path.name != current)
    for path in others[: max(0, len(others) - (KEEP_VERSIONS - 1))]:
        shutil.rmtree(path, ignore_errors=True)
