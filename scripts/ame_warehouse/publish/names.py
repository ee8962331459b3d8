"""The names that readers open, and what stands behind them: each is replaced in one step, after a sync."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ame_warehouse.publish import metadata
from ame_warehouse.publish.files import place, sync, sync_tree


def swap_names(root: Path, target: Path) -> None:
    """Let the public names point at the new version, each in one step."""
    link = root / ".swap-warehouse"
    _link_or_copy(str(target / "warehouse.duckdb"), str(link))
    sync(link)
    link.replace(root / "warehouse.duckdb")
    link.unlink(missing_ok=True)  # a rename between two names of one file leaves both
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


def renew(staging: Path, target: Path) -> None:
    """Replace the files of a version that is published again, each in one step, under the eyes of readers."""
    files = {path.relative_to(staging) for path in staging.rglob("*") if path.is_file()}
    for name in sorted(files):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).replace(target / name)
    for path in list(target.rglob("*")):
        if path.is_file() and path.relative_to(target) not in files:
            path.unlink()
    shutil.rmtree(staging)
    sync_tree(target)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # no hard links here
        shutil.copyfile(source, target)


def forget_old(root: Path, keep: int) -> None:
    """Remove the versions beyond the newest `keep`; the one that is published always stays."""
    for path in surplus(root, keep):
        shutil.rmtree(path, ignore_errors=True)


def surplus(root: Path, keep: int) -> list[Path]:
    """Return the versions that go: all but the published one and the newest, `keep` in all.

    The newest stays also when it has been set aside for another one.
    """
    try:
        published = (root / "parquet").resolve().parent.name
        others = sorted(path for path in (root / "versions").iterdir() if path.name != published)
    except OSError:
        return []
    if not (root / "versions" / published).exists():
        return []
    was_set_aside = bool(others) and others[-1].name > published
    return others[: max(0, len(others) - max(keep - 1, int(was_set_aside)))]
