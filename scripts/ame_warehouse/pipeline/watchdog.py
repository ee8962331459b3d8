"""The daily watch: is something published and up to date, has anything run, have the sources fallen silent?

It reads the manifest and the landing only, so that it works when the steps that it watches do not. It tells
what it finds, and then lets an outside monitor know that it is alive (AME_HEARTBEAT_URL): a watch that
cannot do its work, or whose alerts do not arrive, stays silent there, and the monitor speaks.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from ame_warehouse.alerts import delivery, routes
from ame_warehouse.alerts import tell as alerts
from ame_warehouse.alerts.message import plain
from ame_warehouse.errors import AmeError
from ame_warehouse.landing.store import fetch_ids, read_fetch
from ame_warehouse.publish import publisher
from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.quality import register
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.quality.results import CheckResult
from ame_warehouse.settings import Settings

# How long a source may be silent: two rounds of its DAG's schedule, and a day.
SILENCE_LIMITS = {"kolada": timedelta(days=15), "arbetsformedlingen": timedelta(days=3)}
STALE_LIMIT = timedelta(hours=24)
IDLE_LIMIT = timedelta(days=8)  # Kolada is fetched weekly; a day for retries
USABLE = ("complete", "empty")
SHOWN = 5
log = logging.getLogger(__name__)


def watch(settings: Settings, now: datetime | None = None) -> dict[str, Any]:
    """Run the checks and record them as incidents.

    Returns `{"checks": {check_id: status}, "opened": [ids], "resolved": [ids], "alerts", "heartbeat"}`;
    `alerts` says what arrived and which routes failed, `heartbeat` is `off`, `sent`, or why it was not. When
    the watch cannot do its work (a damaged store of incidents or alerts), it says so to every address
    that takes errors, each time; without the store of incidents it raises `AmeError`.
    """
    moment = now or datetime.now(UTC)
    results: list[CheckResult] = []
    try:
        results = check(settings, moment)
        run_id = f"watch-{moment:%Y%m%dT%H%M%SZ}"
        recorded = IncidentStore(settings).record(results, run_id, _text(moment))
    except (AmeError, OSError, ValueError, KeyError) as exc:
        _tell_directly(settings, str(exc), results)
        raise
    told = alerts.tell(settings, now)
    if alerts.OUTBOX in told.failed:
        _tell_directly(settings, told.failed[alerts.OUTBOX], results)
    return {
        "checks": {result.check_id: result.status for result in results},
        "opened": [*recorded.opened, *recorded.reopened],
        "resolved": recorded.resolved,
        "alerts": {"arrived": told.arrived, "waiting": told.waiting, "failed": told.failed},
        "heartbeat": _heartbeat(settings, told),
    }


def _tell_directly(settings: Settings, why: str, results: list[CheckResult]) -> None:
    """Send past the outbox: it, or the store of incidents, may be what is broken."""
    wrong = [f"{result.check_id}: {result.found}" for result in results if not result.success]
    message = plain(
        "[ame] ERROR the watch could not do its work",
        "error",
        [
            ("What", "The watch over the warehouse cannot keep or tell what it finds."),
            ("Found", why),
            ("It saw", "; ".join(wrong) or ("nothing wrong" if results else "nothing: it could not look")),
            ("Who acts", "operator"),
            ("What to do", f"see to AME_HOME ({settings.home}), then `ame watch`"),
        ],
    )
    usable, _ = routes.usable(settings)
    for route in routes.choose(usable, "error", "operator"):
        error = delivery.send(route, message)
        if error:
            log.error("the watch could not reach %s: %s", route.label, error)


def _heartbeat(settings: Settings, told: alerts.Outcome) -> str:
    """Let the outside monitor know that the watch works; it must miss us when alerts do not arrive."""
    if not settings.heartbeat_url:
        return "off"
    if told.failed:
        return "withheld: alerts did not arrive"
    if not settings.heartbeat_url.startswith(("http://", "https://")):
        return "not sent: AME_HEARTBEAT_URL must start with http:// or https://"
    error = delivery.heartbeat(settings.heartbeat_url)
    if error:
        log.warning("the address in AME_HEARTBEAT_URL did not answer: %s", error)
    return f"not sent: {error}" if error else "sent"


def check(settings: Settings, now: datetime) -> list[CheckResult]:
    """Return one result for each question of the watch; reads only."""
    newest = {source: newest_success(settings, source) for source in SILENCE_LIMITS}
    results = [_silence(settings, source, newest[source], now) for source in SILENCE_LIMITS]
    results.append(_idleness(settings, now))
    news = {source: newest_success(settings, source, with_news=True) for source in SILENCE_LIMITS}
    results.append(_staleness(settings, news, now))
    results += _intact(settings, now)
    results += _punctuality(settings, now)
    return results


def _intact(settings: Settings, now: datetime) -> list[CheckResult]:
    """Are the published files those that the manifest describes? Nothing to say when nothing is published."""
    manifest = read_manifest(settings)
    if manifest is None:
        return []
    damage = publisher.damaged(settings.published, manifest)
    return [
        register.result(
            settings,
            "watch_published_intact",
            ran_at=_text(now),
            failed=damage is not None,
            found=damage or f"{len(manifest['files'])} files as they were published",
        )
    ]


def _punctuality(settings: Settings, now: datetime) -> list[CheckResult]:
    """Has each source published what is due by its own rhythm (quality.freshness)?"""
    import duckdb

    path = settings.published / "warehouse.duckdb"
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            rows = con.execute(
                "select source, series_id, next_period, expected_by from quality.freshness order by all"
            ).fetchall()
    except duckdb.Error:  # nothing published, or by a version without the table: said by other checks
        return []
    results = []
    for source in sorted({row[0] for row in rows}):
        late = [row for row in rows if row[0] == source and row[3] and row[3] < now.date()]
        found = "; ".join(f"{series} {period}, expected by {day}" for _, series, period, day in late[:SHOWN])
        results.append(
            register.result(
                settings,
                f"watch_source_overdue_{source}",
                ran_at=_text(now),
                failed=bool(late),
                found=f"{len(late)} late: {found}" if late else "nothing is late",
            )
        )
    return results


def newest_success(
    settings: Settings, source: str, *, with_news: bool = False
) -> tuple[str, datetime] | None:
    """Return fetch id and clock time of the newest fetch of this mode that brought a usable measure.

    `with_news`: one after which something has to be built; a poll that found no new workbook is none.
    """
    for fetch_id in reversed(fetch_ids(settings.landing, source)):
        fetch = read_fetch(settings.landing, fetch_id, source)
        usable = any(measure["outcome"] in USABLE for measure in fetch["measures"])
        if with_news and not fetch.get("changed", True):
            continue
        if fetch["mode"] == settings.sources and usable:
            return fetch_id, _time(fetch["finished_at"])
    return None


def _silence(
    settings: Settings, source: str, newest: tuple[str, datetime] | None, now: datetime
) -> CheckResult:
    limit = SILENCE_LIMITS[source]
    silent = newest is None or now - newest[1] > limit
    return register.result(
        settings,
        f"watch_source_silent_{source}",
        ran_at=_text(now),
        failed=silent,
        expected=f"a successful fetch within {limit.days} days",
        found=f"newest success {newest[1]:%Y-%m-%d %H:%M} UTC" if newest else "no successful fetch at all",
    )


def _idleness(settings: Settings, now: datetime) -> CheckResult:
    """Has anything run at all: a fetch, whatever came of it, or a build?"""
    traces = []
    for source in SILENCE_LIMITS:
        for fetch_id in fetch_ids(settings.landing, source)[-1:]:
            with suppress(AmeError, KeyError, ValueError):
                fetch = read_fetch(settings.landing, fetch_id, source)
                traces.append((_time(fetch["finished_at"]), f"fetch of {source}"))
    for state in settings.build.glob("*.results.json"):
        with suppress(OSError):
            traces.append((datetime.fromtimestamp(state.stat().st_mtime, UTC), "build"))
    newest = max(traces, default=None)
    idle = newest is None or now - newest[0] > IDLE_LIMIT
    return register.result(
        settings,
        "watch_nothing_runs",
        ran_at=_text(now),
        failed=idle,
        expected=f"a fetch or a build within {IDLE_LIMIT.days} days",
        found=f"the last was a {newest[1]} at {newest[0]:%Y-%m-%d %H:%M} UTC"
        if newest
        else "no trace of any run",
    )


def _staleness(
    settings: Settings, newest: dict[str, tuple[str, datetime] | None], now: datetime
) -> CheckResult:
    manifest = read_manifest(settings)
    if manifest is None:
        found, stale = "nothing is published", True
    elif manifest.get("stale"):
        found, stale = f"stale since {manifest.get('stale_since')}: {manifest.get('stale_reason')}", True
    else:
        behind = [
            f"{source}: {success[0]} landed {success[1]:%Y-%m-%d %H:%M} UTC, not built"
            for source, success in newest.items()
            if success is not None
            and now - success[1] > STALE_LIMIT
            and (manifest.get("sources", {}).get(source) or {}).get("newest_fetch", "") < success[0]
        ]
        found, stale = "; ".join(behind) or f"version {manifest.get('version')}", bool(behind)
    return register.result(
        settings,
        "watch_published_stale",
        ran_at=_text(now),
        failed=stale,
        expected=f"what has landed is published within {STALE_LIMIT.total_seconds() / 3600:.0f} h",
        found=found,
    )


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
