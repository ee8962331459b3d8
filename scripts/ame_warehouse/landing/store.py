"""The landing: raw answers, kept byte for byte, and the record of every request.

Bodies are stored once under their checksum and never rewritten. A fetch is staged as `.partial-<fetch_id>`
and renamed when `fetch.json` is in it: a fetch that a reader can see is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

from ame_warehouse.errors import LandingError
from ame_warehouse.landing import packs
from ame_warehouse.landing.clock import FETCH_TIME, later_than

LEVEL = 3
PARTIAL = ".partial-"
FETCH_FILE = "fetch.json"
REQUESTS_FILE = "requests.jsonl"
ORDER_FILE = "order.json"


def new_fetch_id(moment: datetime) -> str:
    """Return `<UTC yyyymmddThhmmssffffff>Z-<6 hex>`; ids sort by time."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(3)}"


def _cannot_write(path: Path, exc: OSError) -> LandingError:
    return LandingError(
        "the landing cannot be written",
        expected="a writable directory with free space",
        found=exc.strerror or str(exc),
        source=str(path),
        action="free space or correct the permissions of AME_HOME, then run again; nothing published changed",
    )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is either whole or not there (temporary file, fsync, rename)."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as exc:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise _cannot_write(path, exc) from exc


class Objects:
    """Bodies under `landing/objects/<aa>/<sha256>.json.zst`."""

    def __init__(self, landing: Path) -> None:
        self.root = landing / "objects"

    def path(self, sha256: str) -> Path:
        """Return where a body stands."""
        return self.root / sha256[:2] / f"{sha256}.json.zst"

    def put(self, body: bytes) -> str:
        """Store a body unless it is there already; return its sha256."""
        sha256 = hashlib.sha256(body).hexdigest()
        path = self.path(sha256)
        if not path.exists():
            write_whole(path, zstandard.ZstdCompressor(level=LEVEL).compress(body))
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return a body; raise `LandingError` when it is missing or is not what was stored."""
        path = self.path(sha256)
        try:
            packed = path.read_bytes()
            body = zstandard.ZstdDecompressor().decompress(packed)
        except OSError as exc:
            raise self._broken(path, exc.strerror or str(exc)) from exc
        except zstandard.ZstdError as exc:
            raise self._broken(path, f"not readable as zstd ({exc})") from exc
        found = hashlib.sha256(body).hexdigest()
        if found != sha256:
            raise self._broken(path, f"a body with sha256 {found}")
        return body

    @staticmethod
    def _broken(path: Path, found: str) -> LandingError:
        return LandingError(
            "a stored answer of the landing is damaged",
            expected="the body whose sha256 is the file name",
            found=found,
            source=str(path),
            action="restore this file from a backup of AME_HOME/landing; if there is none, move it away "
            "together with the fetches that use it and fetch again",
        )


class FetchWriter:
    """Writes one fetch: outcome records as they come, `fetch.json` last, then the rename that shows it.

    Args:
        order: what the fetch is to bring; written first, so that an interrupted fetch can be taken over.
        records: those of the interrupted fetch of this id that is taken over; None = a new fetch.
    """

    def __init__(
        self,
        landing: Path,
        fetch_id: str,
        source: str = "kolada",
        *,
        order: dict[str, Any] | None = None,
        records: list[dict[str, Any]] | None = None,
    ) -> None:
        self.fetch_id = fetch_id
        self.objects = Objects(landing)
        self._final = landing / source / fetch_id
        self._staged = landing / source / f"{PARTIAL}{fetch_id}"
        self._lock = threading.Lock()
        kept = [_line(n, one) for n, one in enumerate(records or [], 1)]
        self.n_requests = len(kept)
        log = self._staged / REQUESTS_FILE
        try:
            self._staged.mkdir(parents=True, exist_ok=records is not None)
            if kept:  # whole at any moment: the process may be killed here too
                write_whole(log, "".join(kept).encode("utf-8", "backslashreplace"))
            self._log = log.open("a" if kept else "w", encoding="utf-8", errors="backslashreplace")
        except OSError as exc:
            raise _cannot_write(self._staged, exc) from exc
        if order is not None:
            write_whole(self._staged / ORDER_FILE, json.dumps(order, ensure_ascii=False).encode())

    def forget(self) -> None:
        """Let nobody take this fetch over: what it was told is no use to the next."""
        with suppress(OSError):
            (self._staged / ORDER_FILE).unlink(missing_ok=True)

    def record(self, outcome: dict[str, Any]) -> None:
        """Append the outcome record of a request; numbers it."""
        with self._lock:
            self.n_requests += 1
            try:
                self._log.write(_line(self.n_requests, outcome))
                self._log.flush()
            except OSError as exc:
                raise _cannot_write(self._staged / REQUESTS_FILE, exc) from exc

    def finish(self, fetch: dict[str, Any]) -> Path:
        """Write `fetch.json` and make the fetch visible; return its directory."""
        self.close()
        text = json.dumps(fetch, ensure_ascii=False, indent=1, sort_keys=True)
        write_whole(self._staged / FETCH_FILE, text.encode("utf-8", "backslashreplace"))
        self.forget()
        try:
            self._staged.rename(self._final)
            descriptor = os.open(self._final.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as exc:
            raise _cannot_write(self._final, exc) from exc
        return self._final

    def close(self) -> None:
        """Close the log; a fetch that was not finished stays out of sight."""
        try:
            if not self._log.closed:
                self._log.flush()
                os.fsync(self._log.fileno())
                self._log.close()
        except OSError as exc:
            raise _cannot_write(self._staged / REQUESTS_FILE, exc) from exc


def _line(n: int, outcome: dict[str, Any]) -> str:
    return json.dumps({"n": n} | outcome | {"n": n}, ensure_ascii=False) + "\n"


def remove_partials(landing: Path, source: str = "kolada", keep: Collection[str] = ()) -> list[str]:
    """Remove what killed fetches left behind, but for the ids in `keep`; return the fetch ids that went.

    Call only as the one writer.
    """
    found = sorted((landing / source).glob(f"{PARTIAL}*"))
    left = [path for path in found if path.name.removeprefix(PARTIAL) not in keep]
    for path in left:
        try:
            shutil.rmtree(path)
        except OSError as exc:
            raise _cannot_write(path, exc) from exc
    return [path.name.removeprefix(PARTIAL) for path in left]


def next_moment(landing: Path, source: str = "kolada") -> tuple[datetime, timedelta | None]:
    """Return the time of a fetch that begins now (UTC), later than every earlier fetch of the source.

    The second is how far the clock is behind the newest fetch; None when it is not.
    """
    return later_than(fetch_ids(landing, source), FETCH_TIME, timedelta(microseconds=1))


def clock_note(behind: timedelta) -> dict[str, str]:
    """Return expected, found and detail of the finding for a clock that is behind the newest fetch."""
    return {
        "expected": "a clock that goes forward",
        "found": f"a clock that is {behind.total_seconds():.0f} s behind the newest fetch",
        "detail": "the fetch got the time of the newest one and a microsecond; set the clock of this machine",
    }


def fetch_ids(landing: Path, source: str = "kolada") -> list[str]:
    """Return the ids of all finished fetches, oldest first; those whose records are packed too."""
    root = landing / source
    if not root.is_dir():
        return sorted(packs.packed_ids(landing, source))
    try:
        names = {path.name for path in root.iterdir() if not path.name.startswith(".") and path.is_dir()}
        names |= packs.packed_ids(landing, source)
    except OSError as exc:
        raise LandingError(
            "the landing cannot be read",
            expected="a readable directory",
            found=exc.strerror or str(exc),
            source=str(root),
            action="correct the permissions of AME_HOME",
        ) from exc
    return sorted(names)


def read_fetch(landing: Path, fetch_id: str, source: str = "kolada") -> dict[str, Any]:
    """Return the `fetch.json` of a finished fetch; raise `LandingError` when it is missing or unreadable."""
    path = landing / source / fetch_id / FETCH_FILE
    try:
        fetch = json.loads(_record_file(landing, source, fetch_id, FETCH_FILE))
        if not isinstance(fetch, dict) or fetch.get("fetch_id") != fetch_id:
            raise ValueError("it is not the record of this fetch")
    except (OSError, ValueError) as exc:
        raise LandingError(
            f"the fetch {fetch_id} cannot be read",
            expected="the fetch.json of a finished fetch",
            found=str(exc),
            source=str(path),
            action="restore the landing from a backup, or move this directory away and fetch again",
        ) from exc
    return fetch


def read_requests(landing: Path, fetch_id: str, source: str = "kolada") -> Iterator[dict[str, Any]]:
    """Yield the outcome records of a finished fetch, in the order in which they were written."""
    for line in _record_file(landing, source, fetch_id, REQUESTS_FILE).decode("utf-8").split("\n"):
        if line:
            yield json.loads(line)


def _record_file(landing: Path, source: str, fetch_id: str, name: str) -> bytes:
    """Return a record file of a fetch, from its directory or from the pack that it went into."""
    path = landing / source / fetch_id / name
    try:
        return path.read_bytes()
    except FileNotFoundError:
        body = packs.packed_file(landing, source, fetch_id, name)
        if body is None:
            raise
        return body
