"""Turn faults of the machine (full disk, no permission, a damaged file) into errors that say what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path

from ame_warehouse.errors import AmeError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_SPACE_TEXTS = (
    "no space left on device",
    "disk quota exceeded",
    "could not write all data",
    "database or disk is full",  # SQLite: Airflow's metadata, incidents
)
_DAMAGED_OBSERVATIONS = re.compile(r"/[^'\"]*/observations/source=[^'\"]*\.parquet")
_NO_PERMISSION_TEXTS = ("attempt to write a readonly database",)


def is_of_the_machine(exc: BaseException) -> bool:
    """Return whether a full disk or a missing permission is behind an error."""
    for current in _chain(exc):
        text = str(current).lower()
        if getattr(current, "errno", None) in (*_NO_SPACE, *_NO_PERMISSION):
            return True
        if any(part in text for part in (*_NO_SPACE_TEXTS, *_NO_PERMISSION_TEXTS)):
            return True
    return False


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from: libraries wrap what the system said."""
    seen: set[int] = set()
    current: BaseException | None = exc
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def readable(exc: BaseException, path: Path | None = None) -> AmeError | None:
    """Return a readable error for a full disk, a missing permission or damaged observations; else None.

    The chain of causes is searched too.
    """
    for current in _chain(exc):
        if isinstance(current, AmeError):
            return current
        where = str(path or getattr(current, "filename", None) or "")
        number = getattr(current, "errno", None)
        text = str(current).lower()
        if number in _NO_SPACE or any(part in text for part in _NO_SPACE_TEXTS):
            return AmeError(
                "the disk is full: what was being written has not been finished",
                expected="free space on the disk that holds AME_HOME",
                found=str(current),
                source=where or None,
                action="free space or move AME_HOME to a larger disk, then run again; "
                "what is published is untouched",
            )
        if number in _NO_PERMISSION or any(part in text for part in _NO_PERMISSION_TEXTS):
            return AmeError(
                "a file or directory may not be written or read",
                expected="permission for the user who runs the pipeline",
                found=str(current),
                source=where or None,
                action="correct the owner or the mode of that path, or set AME_HOME to another directory",
            )
        damaged = _DAMAGED_OBSERVATIONS.search(str(current))
        if damaged and type(current).__name__ == "InvalidInputException":  # DuckDB's; not loaded here
            return AmeError(
                "a file of parsed observations is damaged",
                expected="a Parquet file as the pipeline wrote it",
                found=str(current).strip().splitlines()[0],
                source=damaged.group(),
                action="`ame reparse` makes the observations again from the landing, then `ame run`; "
                "what is published is untouched",
            )
    return None
