"""Tell whoever watches a run how far it is: which step has begun, how far it is, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Observer(Protocol):
    """What a display of a run must understand; all calls come from the thread that runs the step."""

    def started(self, step: str) -> None:
        """A step has begun."""

    def advanced(self, step: str, done: int, total: int | None) -> None:
        """A step has done `done` of `total` units (requests, tables)."""

    def finished(self, step: str, result: dict[str, Any]) -> None:
        """A step has ended well, with its result."""

    def failed(self, step: str, error: BaseException) -> None:
        """A step has ended with an error."""


_observers: list[Observer] = []


@contextmanager
def watched_by(observer: Observer) -> Iterator[None]:
    """Send the progress of all steps in this process to `observer` for the block."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


def started(step: str) -> None:
    """Say that a step has begun."""
    for observer in _observers:
        observer.started(step)


def advanced(step: str, done: int, total: int | None) -> None:
    """Say how far a step is."""
    for observer in _observers:
        observer.advanced(step, done, total)


def finished(step: str, result: dict[str, Any]) -> None:
    """Say that a step has ended well."""
    for observer in _observers:
        observer.finished(step, result)


def failed(step: str, error: BaseException) -> None:
    """Say that a step has ended with an error."""
    for observer in _observers:
        observer.failed(step, error)
