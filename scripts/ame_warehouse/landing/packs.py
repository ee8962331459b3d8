"""The records of old fetches, many in one file: `landing/packed/<source>/<first>_<last>.parquet`.

A pack holds `fetch.json` and `requests.jsonl` of each fetch byte for byte, one row per file (fetch_id, name,
body). Records of fetches that found the same are nearly the same and pack well. The answers themselves are
stored once each anyway (`landing/objects`) and are never touched.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ame_warehouse.errors import LandingError

PACKED = "packed"
GONE = ".packed-"  # a directory whose pack is in place, on its way out
SCHEMA = pa.schema([("fetch_id", pa.string()), ("name", pa.string()), ("body", pa.binary())])
Files = dict[str, dict[str, bytes]]


def folder(landing: Path, source: str) -> Path:
    """Return where the packs of a source stand."""
    return landing / PACKED / source


def packed_ids(landing: Path, source: str) -> set[str]:
    """Return the ids of the fetches whose records are packed."""
    return {fetch_id for path in _packs(landing, source) for fetch_id in _read(*_state(path))}


def packed_file(landing: Path, source: str, fetch_id: str, name: str) -> bytes | None:
    """Return a packed record file, byte for byte; None when it is in no pack."""
    for path in _packs(landing, source):
        first, _, last = path.stem.partition("_")
        if first <= fetch_id <= last:
            body = _read(*_state(path)).get(fetch_id, {}).get(name)
            if body is not None:
                return body
    return None


def pack(landing: Path, source: str, fetch_ids: list[str]) -> int:
    """Put the records of fetches into one pack and remove their directories; return the bytes saved.

    The pack is whole and read back before the first directory goes; an interruption leaves both, which is the
    same. Raises `LandingError` when the pack cannot be written. Call only as the one writer.
    """
    root = landing / source
    rows = [
        {"fetch_id": fetch_id, "name": path.name, "body": path.read_bytes()}
        for fetch_id in sorted(fetch_ids)
        for path in sorted((root / fetch_id).iterdir())
    ]
    target = folder(landing, source) / f"{min(fetch_ids)}_{max(fetch_ids)}.parquet"
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            pa.Table.from_pylist(rows, schema=SCHEMA), partial, compression="zstd", compression_level=9
        )
        if pq.read_table(partial).to_pylist() != rows:
            raise OSError("the pack differs from the records")
        with partial.open("rb") as handle:
            os.fsync(handle.fileno())
        partial.replace(target)
    except OSError as exc:
        partial.unlink(missing_ok=True)
        raise LandingError(
            "the records of old fetches cannot be packed",
            expected="free space and permission to write in AME_HOME/landing",
            found=exc.strerror or str(exc),
            source=str(target),
            action="free space or correct the permissions; nothing was removed",
        ) from exc
    saved = sum(len(row["body"]) for row in rows) - target.stat().st_size
    remove_packed(landing, source)
    return saved


def remove_packed(landing: Path, source: str) -> int:
    """Remove the directories whose records stand in a pack, and what an interruption left; say how many."""
    root = landing / source
    count = 0
    for fetch_id in sorted(packed_ids(landing, source)):
        directory = root / fetch_id
        if directory.is_dir() and all(
            packed_file(landing, source, fetch_id, path.name) == path.read_bytes()
            for path in directory.iterdir()
        ):
            directory.rename(root / f"{GONE}{fetch_id}")
            count += 1
    for path in root.glob(f"{GONE}*"):
        with suppress(OSError):
            shutil.rmtree(path)
    return count


def _packs(landing: Path, source: str) -> list[Path]:
    return sorted(folder(landing, source).glob("*.parquet"))


def _state(path: Path) -> tuple[Path, int, int]:
    status = path.stat()
    return path, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=64)
def _read(path: Path, _size: int, _changed: int) -> Files:
    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as exc:
        raise LandingError(
            "a pack of old fetches is damaged",
            expected="a Parquet file with fetch_id, name, body",
            found=str(exc).splitlines()[0],
            source=str(path),
            action="restore this file from a backup of AME_HOME/landing",
        ) from exc
    found: Files = {}
    for row in rows:
        found.setdefault(row["fetch_id"], {})[row["name"]] = row["body"]
    return found
