"""A source that could not be fetched is an incident until a later fetch succeeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ame_warehouse.errors import SourceError
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.quality.results import CheckResult, now_text
from ame_warehouse.settings import Settings


@contextmanager
def watched(settings: Settings, source: str) -> Iterator[None]:
    """Record for the block whether the source could be fetched; a `SourceError` goes on to the caller."""
    try:
        yield
    except SourceError as exc:
        _record(settings, source, exc)
        raise
    _record(settings, source, None)


def _record(settings: Settings, source: str, error: SourceError | None) -> None:
    result = CheckResult(
        check_id=f"source_fetched_{source}",
        severity="warning",
        status="failed" if error else "passed",
        stage="landing",
        expected="the source answers and what it answers can be used",
        found=str(error) if error else "fetched",
        owner="operator",
        message=f"{source} could not be fetched; what was fetched before stays in use."
        if error
        else f"{source} was fetched.",
        action=(error.action if error and error.action else "look at the last run of its ingest DAG"),
        ran_at=now_text(),
    )
    IncidentStore(settings).record([result], f"fetch-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}", result.ran_at)
