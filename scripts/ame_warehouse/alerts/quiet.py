"""Keep what Apprise and HTTP libraries log about an address out of the logs: addresses hold secrets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NAMES = ("apprise", "urllib3.connectionpool", "urllib3.util.retry", "requests", "urllib3")
_kept: ContextVar[list[str] | None] = ContextVar("kept", default=None)


class _Catch(logging.Filter):
    """Drops what is logged inside `quiet()`, in threads that take its context too; keeps warnings."""

    def filter(self, record: logging.LogRecord) -> bool:
        kept = _kept.get()
        if kept is None:
            return True
        if record.levelno >= logging.WARNING:
            kept.append(record.getMessage())
        return False


_CATCH = _Catch()


@contextmanager
def quiet() -> Iterator[list[str]]:
    """Nothing is logged by those libraries in here; yields the warnings they would log."""
    for name in NAMES:
        logger = logging.getLogger(name)
        if _CATCH not in logger.filters:
            logger.addFilter(_CATCH)
    kept: list[str] = []
    before = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(before)
