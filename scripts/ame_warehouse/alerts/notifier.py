"""Airflow's notifiers: a task that gave up is an incident and an alert; the next success resolves it.

Wired by `pipeline.dag_defaults`, so nothing heavy is imported here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

if TYPE_CHECKING:
    from ame_warehouse.quality.results import CheckResult
    from ame_warehouse.settings import Settings

TOLD_BY_ITS_STEP = timedelta(minutes=10)
log = logging.getLogger(__name__)


class TaskFailed(BaseNotifier):  # type: ignore[misc]
    """Opens the incident `task_failed_<dag>_<task>` and tells it, unless the step has told its own."""

    def notify(self, context: Any) -> None:
        """Called by Airflow when a task has failed for good. Never raises."""
        _guarded(context, failed=True)


class TaskRecovered(BaseNotifier):  # type: ignore[misc]
    """Resolves what `TaskFailed` opened, when the task succeeds again."""

    def notify(self, context: Any) -> None:
        """Called by Airflow when a task has succeeded. Never raises."""
        _guarded(context, failed=False)


def check_id(dag_id: str, task_id: str) -> str:
    """Return the check behind the incident of a task: `task_failed_build_warehouse_publish`."""
    return f"task_failed_{dag_id}_{task_id.rsplit('.', 1)[-1]}"


def _guarded(context: Any, *, failed: bool) -> None:
    try:
        task = context.get("ti") or context["task_instance"]
        record(task.dag_id, task.task_id, context.get("exception") if failed else None, failed=failed)
    except Exception:
        log.exception("the alert of a task could not be told")


def record(dag_id: str, task_id: str, error: object, *, failed: bool) -> None:
    """Record that a task failed or succeeded, and tell what that changes."""
    from ame_warehouse.alerts import tell
    from ame_warehouse.quality.incidents import IncidentStore, list_incidents
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    name = check_id(dag_id, task_id)
    if failed and _told_by_its_step(settings, dag_id, error):
        tell.tell(settings)
        return
    if not failed and not any(i.check_id == name for i in list_incidents(settings, open_only=True)):
        return
    now = datetime.now(UTC)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%f")
    IncidentStore(settings).record(
        [_result(settings, name, dag_id, error, stamp, failed=failed)], f"task-{now:%Y%m%dT%H%M%S%fZ}", stamp
    )
    tell.tell(settings)


def _result(
    settings: Settings, name: str, dag_id: str, error: object, stamp: str, *, failed: bool
) -> CheckResult:
    from ame_warehouse.errors import AmeError
    from ame_warehouse.quality import register

    known = next((e for e in _causes(error) if isinstance(e, AmeError)), None)
    action = f"open the task's log in Airflow ({dag_id}), mend the cause, clear the task or run `ame run`"
    return register.result(
        settings,
        name,
        failed=failed,
        found=str(known or error or "no reason was given") if failed else "succeeded",
        action=f"{known.action}; {action}" if known and known.action else action,
        ran_at=stamp,
    )


def _told_by_its_step(settings: Settings, dag_id: str, error: object) -> bool:
    """True when the failing step itself has just recorded an incident about the same thing."""
    from ame_warehouse.errors import BuildError, CheckFailedError, PublishError
    from ame_warehouse.pipeline.publication import PUBLICATION
    from ame_warehouse.quality.incidents import list_incidents

    causes = list(_causes(error))
    if any(isinstance(cause, CheckFailedError) for cause in causes):
        return True
    source = dag_id.removeprefix("ingest_")
    names = {f"source_fetched_{source}", f"source_parsed_{source}"}
    if any(isinstance(cause, BuildError) for cause in causes):
        names = {"dbt_build"}
    elif any(isinstance(cause, PublishError) for cause in causes):
        names = {PUBLICATION}
    since = (datetime.now(UTC) - TOLD_BY_ITS_STEP).strftime("%Y-%m-%dT%H:%M:%S")
    return any(
        i.check_id in names and i.last_seen_at >= since for i in list_incidents(settings, open_only=True)
    )


def _causes(error: object) -> Iterator[BaseException]:
    """Yield the error and what it came from."""
    seen: list[BaseException] = []
    while isinstance(error, BaseException) and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__
