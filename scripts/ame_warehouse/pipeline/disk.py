"""How much disk each part of AME_HOME uses; a file with several names counts once."""

from __future__ import annotations

import os
from pathlib import Path

from ame_warehouse.settings import Settings

PARTS = ("landing", "observations", "build", "published", "quality", "as_of", "airflow")


def use(settings: Settings) -> dict[str, int]:
    """Return the bytes on disk by part of AME_HOME, and `total`; a part that is not there is left out."""
    seen: set[tuple[int, int]] = set()
    found = {part: _bytes(settings.home / part, seen) for part in PARTS if (settings.home / part).is_dir()}
    return {**found, "total": sum(found.values())}


def _bytes(root: Path, seen: set[tuple[int, int]]) -> int:
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                status = (Path(folder) / name).lstat()
            except OSError:  # gone meanwhile
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total
