"""The bridge between an Airflow task and a step: progress, and errors that retrying cannot cure."""

from __future__ import annotations

import logging
from typing import Any

from ame_warehouse.errors import BusyError, SourceUnavailableError
from ame_warehouse.pipeline import progress
from ame_warehouse.pipeline.faults import readable

log = logging.getLogger(__name__)

CURABLE = (SourceUnavailableError, BusyError)
"""Errors that may be gone a few minutes later: Airflow tries again with growing pauses."""


def run_step(name: str, **arguments: Any) -> dict[str, Any]:
    """Return what `steps.<name>(**arguments)` returns, as a task of Airflow should run it.

    An `AmeError` that trying again cannot cure (a check that failed, a setting, a broken seed, a full
    disk) becomes `AirflowFailException`, so that the task fails at once; the others keep their retries.
    """
    from ame_warehouse.pipeline import steps

    progress.started(name)
    try:
        result: dict[str, Any] = getattr(steps, name)(**arguments)
    except Exception as exc:
        error = readable(exc)
        progress.failed(name, error or exc)
        if error is None or isinstance(error, CURABLE):
            raise
        from airflow.sdk.exceptions import AirflowFailException

        log.error("%s", error)  # the last line of the task's log is the readable one
        raise AirflowFailException(str(error)) from exc
    progress.finished(name, result)
    return result
