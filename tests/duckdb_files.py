"""What tests read of a DuckDB file without opening it."""

from __future__ import annotations

from pathlib import Path


def storage_version(path: Path) -> int:
    """Return the storage version in the header of a DuckDB file (64: every DuckDB from 0.10 on reads it)."""
    with path.open("rb") as handle:
        header = handle.read(20)
    assert header[8:12] == b"DUCK", f"{path} is no DuckDB file"
    return int.from_bytes(header[12:20], "little")
