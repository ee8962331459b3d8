"""A source that could not be fetched, or not be read, is an incident until it is fetched or read again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ame_warehouse.errors import AmeError, BusyError, SourceError
from ame_warehouse.pipeline.faults import readable
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.quality.results import CheckResult, now_text
from ame_warehouse.settings import Settings


@contextmanager
def fetched(settings: Settings, source: str) -> Iterator[None]:
    """Record for the block whether the source could be fetched; a `SourceError` goes on to the caller."""
    try:
        yield
    except SourceError as exc:
        _record(settings, source, "fetched", exc)
        raise
    _record(settings, source, "fetched", None)


@contextmanager
def parsed(settings: Settings, source: str) -> Iterator[None]:
    """Record for the block whether what has landed could be read; the error goes on to the caller."""
    try:
        yield
    except BusyError:
        raise
    except Exception as exc:
        _record(settings, source, "parsed", exc)
        raise
    _record(settings, source, "parsed", None)


def _record(settings: Settings, source: str, what: str, exc: Exception | None) -> None:
    error = readable(exc) if exc else None
    fetching = what == "fetched"
    look = f"look at the last run of ingest_{source}"
    result = CheckResult(
        check_id=f"source_{what}_{source}",
        severity="warning",
        status="failed" if exc else "passed",
        stage="landing",
        expected="the source answers and what it answers can be used"
        if fetching
        else "every fetch in the landing can be read",
        found=str(error or f"{type(exc).__name__}: {exc}") if exc else what,
        owner="operator" if fetching or isinstance(error, AmeError) else "data_engineer",
        message=f"{source} could not be {what}; what was {what} before stays in use."
        if exc
        else f"{source} was {what}.",
        action=(error.action if error and error.action else look),
        ran_at=now_text(),
    )
    store = IncidentStore(settings)
    if exc or store.path.exists():
        store.record([result], f"{what}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}", result.ran_at)
