"""Switchable faults of the loopback server: what real servers, proxies and networks do on bad days."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

Change = Callable[[dict[str, Any]], Any]

KINDS = {
    "reset": "the connection is reset before an answer",
    "stall": "nothing is answered for `seconds`",
    "drip": "the body comes a byte at a time",
    "drip_headers": "the headers come a byte at a time",
    "truncate": "the body ends before Content-Length",
    "chunk_abort": "a chunked body breaks off",
    "html": "status 200 with an HTML page",
    "not_json": "status 200 with half a JSON document",
    "envelope": "status 200 with JSON that is not the envelope",
    "status": "another status, with `headers`",
    "latin1": "the body is Latin-1",
    "repeat_page": "the page before is answered again",
    "skip_page": "the page after is answered instead",
    "reorder": "the list of records is turned round for this page",
    "shift": "a record went away in front: the page starts one record later",
    "empty": "an empty envelope",
    "oversize": "a body of `size` bytes",
    "gzip": "the body is compressed",
    "gzip_bomb": "a small compressed body that grows to `size` bytes",
    "next_host": "next_url names another host",
    "count_total": "count is the number of records of all pages",
    "count_wrong": "count is off by one",
    "redirect": "a redirect to `location`",
    "change": "the envelope goes through `change`",
}


@dataclass
class Fault:
    """One fault.

    Args:
        kind: one of `KINDS`.
        at: numbers of the requests it hits (1 = the first after the server started); None = any.
        match: text that the path and query must contain; empty = any.
        page: the page that must be asked for; None = any.
        times: how often it happens; None = always.
        The rest belongs to single kinds.
    """

    kind: str
    at: Collection[int] | None = None
    match: str = ""
    page: int | None = None
    times: int | None = None
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 30.0
    size: int = 1_000_000
    location: str = ""
    change: Change | None = None
    hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"expected one of {', '.join(KINDS)}; found {self.kind!r}")

    def strikes(self, number: int, target: str) -> bool:
        """Return whether this fault hits request `number` for `target`; counts it if so."""
        with self._lock:
            if self.times is not None and self.hits >= self.times:
                return False
            if (self.at is not None and number not in self.at) or self.match not in target:
                return False
            if self.page is not None and f"page={self.page}&" not in target + "&":
                return False
            self.hits += 1
            return True
