"""The fetch step of a backfill: logged when it begins and when it has landed, and not made twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ame_warehouse.errors import SettingsError
from ame_warehouse.history import backfill_log
from ame_warehouse.settings import Settings

SCHEDULER = "airflow"  # who asked, when nobody says so


def logged_fetch(
    settings: Settings,
    order: dict[str, Any],
    fetch: Callable[[], dict[str, Any]],
    *,
    reason: str | None,
    requested_by: str | None,
    resume: str | None,
) -> dict[str, Any]:
    """Return what `fetch` returns; when the order names a part or has a reason, log it as a backfill.

    `resume` names a backfill that has landed: its fetches are returned instead. Raises `SettingsError` when
    there is no such backfill.
    """
    if resume:
        return _landed(settings, resume)
    if not (reason or any(order.values())):
        return fetch()
    entry = backfill_log.begin(settings, order, requested_by or SCHEDULER, reason)
    try:
        found = fetch()
    except Exception as exc:
        backfill_log.failed(settings, entry, str(exc))
        raise
    backfill_log.fetched(settings, entry, found)
    return {**found, "backfill_id": entry["backfill_id"]}


def _landed(settings: Settings, backfill_id: str) -> dict[str, Any]:
    entry = backfill_log.by_id(settings, backfill_id)
    if entry is None or entry.get("outcome") != "fetched":
        raise SettingsError(
            "this backfill cannot go on",
            expected="the id of a backfill that has landed and is in no published version",
            found=f"{backfill_id}: {entry.get('outcome') if entry else 'unknown'}",
            source=str(backfill_log.log_path(settings)),
            action="leave `resume` empty: the part is fetched again",
        )
    return {
        "fetch_ids": entry["fetch_ids"],
        "measures": entry["measure_outcomes"],
        "requests": 0,
        "backfill_id": backfill_id,
    }
