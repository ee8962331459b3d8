"""A source that could not be fetched, or not be read, is an incident until it is fetched or read again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ame_warehouse.errors import AmeError, BusyError, SourceError
from ame_warehouse.pipeline.faults import readable
from ame_warehouse.quality import register
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.settings import Settings

FETCHED = "source_fetched_"
PARSED = "source_parsed_"


@contextmanager
def fetched(settings: Settings, source: str) -> Iterator[None]:
    """Record for the block whether the source could be fetched; a `SourceError` goes on to the caller."""
    try:
        yield
    except SourceError as exc:
        _record(settings, source, FETCHED, exc)
        raise
    _record(settings, source, FETCHED, None)


@contextmanager
def parsed(settings: Settings, source: str) -> Iterator[None]:
    """Record for the block whether what has landed could be read; the error goes on to the caller."""
    try:
        yield
    except BusyError:
        raise
    except Exception as exc:
        _record(settings, source, PARSED, exc)
        raise
    _record(settings, source, PARSED, None)


def _record(settings: Settings, source: str, check: str, exc: Exception | None) -> None:
    what = check.split("_")[1]
    error = readable(exc) if exc else None
    mends = "data_engineer" if check == PARSED and not isinstance(error, AmeError) else None
    result = register.result(
        settings,
        check + source,
        failed=exc is not None,
        found=str(error or f"{type(exc).__name__}: {exc}") if exc else what,
        action=error.action if error else None,
        owner=mends,
    )
    store = IncidentStore(settings)
    if exc or store.path.exists():
        store.record([result], f"{what}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}", result.ran_at)
