"""A fetch that was interrupted goes on where it stopped: what has landed is not asked for again.

A fetch writes what it was ordered to bring (`order.json`) before its first request. When its process ends
in the middle, the directory `.partial-<fetch_id>` stays. The next fetch with the same order takes it over,
with its id (what it says is known from then on), for a day, as long as no other fetch has finished since.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ame_warehouse.errors import LandingError
from ame_warehouse.landing.store import (
    ORDER_FILE,
    PARTIAL,
    REQUESTS_FILE,
    Objects,
    fetch_ids,
    read_fetch,
)

LONGEST = timedelta(hours=24)
ORDERED = ("mode", "base_url", "vintage", "kpi_ids", "municipality_ids", "years")
HTTP_OK = 200


@dataclass(frozen=True)
class Begun:
    """A fetch that was begun and not finished: its id, and when it began (UTC)."""

    fetch_id: str
    started_at: datetime


def order_key(fetch: dict[str, Any]) -> dict[str, Any]:
    """Return what makes two fetches the same order; the sample is served at another address every time."""
    key = {name: fetch.get(name) for name in ORDERED}
    return key | ({"base_url": None} if key["mode"] == "sample" else {})


def find(landing: Path, order: dict[str, Any], source: str = "kolada") -> Begun | None:
    """Return the newest interrupted fetch of this order that may be taken over; None when there is none."""
    for begun, key in reversed(_begun(landing, source)):
        if key == order_key(order):
            return begun
    return None


def finished(landing: Path, order: dict[str, Any], parsed: set[str], source: str = "kolada") -> str | None:
    """Return the newest finished fetch of this order that was never used: its run ended before parsing."""
    for fetch_id in reversed(fetch_ids(landing, source)):
        if fetch_id in parsed:
            return None
        fetch = read_fetch(landing, fetch_id, source)
        if _is_young(datetime.fromisoformat(fetch["started_at"])) and order_key(fetch) == order_key(order):
            return fetch_id
    return None


def resumable(landing: Path, source: str = "kolada") -> set[str]:
    """Return the ids of the interrupted fetches that may still be taken over."""
    return {begun.fetch_id for begun, _ in _begun(landing, source)}


def _begun(landing: Path, source: str) -> list[tuple[Begun, dict[str, Any]]]:
    newest = max(fetch_ids(landing, source), default="")
    found = []
    for path in sorted((landing / source).glob(f"{PARTIAL}*")):
        fetch_id = path.name.removeprefix(PARTIAL)
        try:
            order = json.loads((path / ORDER_FILE).read_text(encoding="utf-8"))
            started = datetime.fromisoformat(order["started_at"])
        except (OSError, ValueError, KeyError, TypeError):  # killed before it had written its order
            continue
        if _is_young(started) and fetch_id > newest:
            found.append((Begun(fetch_id, started), order_key(order)))
    return found


def _is_young(started: datetime) -> bool:
    return timedelta(0) <= datetime.now(UTC) - started <= LONGEST


class Landed:
    """The usable answers of an interrupted fetch, each to be used once, in the order in which they came."""

    def __init__(self, landing: Path, fetch_id: str, source: str = "kolada") -> None:
        self._objects = Objects(landing)
        self.records: list[dict[str, Any]] = whole_records(
            landing / source / f"{PARTIAL}{fetch_id}" / REQUESTS_FILE
        )
        self._waiting: dict[tuple[str, int], deque[str]] = {}
        for record in self.records:
            if record.get("status") == HTTP_OK and record.get("error") is None and record.get("sha256"):
                key = (record.get("path") or "", record.get("page") or 0)
                self._waiting.setdefault(key, deque()).append(record["sha256"])

    def take(self, path: str, page: int) -> bytes | None:
        """Return the next answer to a request; None when it has to be asked."""
        waiting = self._waiting.get((path, page))
        if not waiting:
            return None
        try:
            return self._objects.get(waiting.popleft())
        except LandingError:  # damaged by whatever ended the fetch
            return None


def whole_records(path: Path) -> list[dict[str, Any]]:
    """Return the outcome records of an interrupted fetch; a last line that was cut off is left out."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    found = []
    for line in lines[:-1]:  # the last has no end yet, or nothing after it
        try:
            record = json.loads(line)
        except ValueError:
            break
        found.append(record)
    return found
