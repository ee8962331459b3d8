"""Workbooks in the landing: `landing/objects/<aa>/<sha256>.<suffix>`, as served, never rewritten.

A workbook is packed already and is read piece by piece, so it is kept as it is; pages are kept packed like
every answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from ame_warehouse.errors import DamagedError, LandingError

INCOMING = ".incoming"
BLOCK = 1 << 20


class Workbooks:
    """The stored workbooks of a landing."""

    def __init__(self, landing: Path) -> None:
        self.root = landing / "objects"

    def path(self, sha256: str, suffix: str) -> Path:
        """Return where a workbook stands."""
        return self.root / sha256[:2] / f"{sha256}.{suffix}"

    def incoming(self) -> Path:
        """Return a new path to download to, on the same file system."""
        return self.root / INCOMING / f"{secrets.token_hex(8)}.partial"

    def clear_incoming(self) -> None:
        """Remove what killed downloads left behind. Call only as the one writer."""
        for path in (self.root / INCOMING).glob("*.partial"):
            with contextlib.suppress(OSError):
                path.unlink()

    def keep(self, downloaded: Path, sha256: str, suffix: str) -> Path:
        """Move a downloaded file to its place; one that is there already and whole stays."""
        target = self.path(sha256, suffix)
        try:
            if self.holds(sha256, suffix):
                downloaded.unlink()
                return target
            target.parent.mkdir(parents=True, exist_ok=True)
            with downloaded.open("rb") as handle:
                os.fsync(handle.fileno())
            downloaded.replace(target)
        except OSError as exc:
            raise LandingError(
                "the landing cannot be written",
                expected="a writable directory with free space",
                found=exc.strerror or str(exc),
                source=str(target),
                action="free space or correct the permissions of AME_HOME, then run again",
            ) from exc
        return target

    def holds(self, sha256: str, suffix: str) -> bool:
        """Return whether a workbook is stored and is what was stored."""
        try:
            self.verified(sha256, suffix)
        except DamagedError:
            return False
        return True

    def verified(self, sha256: str, suffix: str) -> Path:
        """Return a stored workbook after reading it through; raises `DamagedError` when it is not what was
        stored.
        """
        path = self.path(sha256, suffix)
        found = hashlib.sha256()
        try:
            with path.open("rb") as handle:
                while block := handle.read(BLOCK):
                    found.update(block)
        except OSError as exc:
            raise self._broken(path, exc.strerror or str(exc)) from exc
        if found.hexdigest() != sha256:
            raise self._broken(path, f"a file with sha256 {found.hexdigest()}")
        return path

    @staticmethod
    def _broken(path: Path, found: str) -> DamagedError:
        return DamagedError(
            "a stored workbook of the landing is damaged",
            expected="the file whose sha256 is its name",
            found=found,
            source=str(path),
            action="restore this file from a backup of AME_HOME/landing, or run again: it is fetched again "
            "as long as the source has it",
        )
