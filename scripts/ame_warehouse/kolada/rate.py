"""How often a source is asked."""

from __future__ import annotations

import threading
import time


class RateLimiter:
    """Spaces the requests of all threads evenly: at most `per_second` starts a second."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def reserve(self) -> float:
        """Return the seconds to wait before the next request may start; the slot is taken."""
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._gap
            return start - now

    def hold(self, seconds: float) -> None:
        """Let no new request start for `seconds` (the source asked for a pause)."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)
