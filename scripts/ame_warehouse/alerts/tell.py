"""From the incidents to the outbox: who has to be told what, once.

The incident table is compared with what was told before. It does not matter which step recorded an
incident, or whether a run was killed between recording and telling: the next one tells it, and
nobody tells it twice.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ame_warehouse.alerts import delivery, routes
from ame_warehouse.alerts.evidence import Evidence, evidence, said_in
from ame_warehouse.alerts.message import MAX_LINES, Field, Message, Notice, compose, plain
from ame_warehouse.alerts.outbox import FAILURES, Outbox, Told, text
from ame_warehouse.alerts.routes import RANK, Route
from ame_warehouse.errors import AmeError, SettingsError
from ame_warehouse.quality import register
from ame_warehouse.quality.incident import Incident
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.quality.results import CheckResult
from ame_warehouse.settings import Settings

DELIVERY = "alert_delivery_"
SETTING = "alert_routes_usable"
MAX_ERRORS_ALONE = 5
OUTBOX = "outbox"
log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What came of telling: notices put into the outbox, messages that arrived, routes that failed."""

    notices: int = 0
    arrived: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    waiting: int = 0


def tell(settings: Settings, now: datetime | None = None) -> Outcome:
    """Tell what has changed since the last time, and deliver what waits.

    Never raises and hardly takes longer than `delivery.ROUTE_SECONDS`: data come first. What fails
    is logged, is an incident when it fails again, and is tried again by the next run or watch.
    """
    try:
        return _tell(settings, now)
    except Exception as exc:
        log.exception("alerts could not be told; the run goes on, the next one tries again")
        return Outcome(failed={OUTBOX: exc.message if isinstance(exc, AmeError) else type(exc).__name__})


def _tell(settings: Settings, now: datetime | None) -> Outcome:
    moment = now or datetime.now(UTC)
    usable, problems = routes.usable(settings)
    for problem in problems:
        log.error("%s", problem)
    outbox, started = Outbox(settings), time.monotonic()
    _record(settings, [_setting_result(settings, problems, moment)], moment)
    if not usable:
        if problems:
            return Outcome(failed={"AME_ALERT_URLS": problems[0].found or problems[0].message})
        return Outcome()
    _adopt(outbox, usable, moment)
    outcome = Outcome()
    _add_up(outcome, delivery.flush(outbox, usable, now))
    _record(settings, _delivery_results(settings, outbox, usable, moment), moment)
    for _attempt in range(3):
        before = outbox.told()
        notices = changes(settings, before)
        told = {
            n.incident.incident_id: Told(
                n.incident.severity,
                n.incident.last_count,
                "resolved" if n.event == "resolved" else "open",
                text(moment),
            )
            for n in notices
        }
        if not notices or outbox.put(_messages(settings, usable, notices), told, moment, before):
            outcome.notices = len(notices)
            break
    if outcome.notices:
        left = delivery.ROUTE_SECONDS - (time.monotonic() - started)
        _add_up(outcome, delivery.flush(outbox, usable, now, max(1.0, left)))
    outcome.waiting = len(outbox.waiting())
    return outcome


def digest(settings: Settings, key: str, subject: str, severity: str, fields: list[Field]) -> bool:
    """Put a message that is about no incident into the outbox, once for each `key`; the next `tell` sends it.

    False when it has been told before, or when no address takes it.
    """
    usable, _ = routes.usable(settings)
    chosen = routes.choose(usable, severity, "data_steward")
    outbox, moment = Outbox(settings), datetime.now(UTC)
    if not chosen or key in outbox.told():
        return False
    message = plain(subject, severity, fields)
    told = {key: Told(severity, 0, "told", text(moment))}
    return outbox.put([(route.name, message) for route in chosen], told, moment)


def changes(settings: Settings, told: dict[str, Told]) -> list[Notice]:
    """Return what nobody has been told yet: opened, back, worse, acknowledged no longer, resolved."""
    notices: list[Notice] = []
    looked_up: Counter[str] = Counter()

    def known(incident: Incident) -> Evidence:
        """Return the rows behind it; not for more incidents of a check than a message shows."""
        looked_up[incident.check_id] += 1
        few = looked_up[incident.check_id] <= MAX_LINES
        return evidence(settings, incident) if few else Evidence(*said_in(incident.summary))

    for incident in IncidentStore(settings).incidents():
        before = told.get(incident.incident_id)
        if not incident.is_open:
            if before is not None and before.state == "open":
                notices.append(Notice("resolved", incident, Evidence()))
        elif before is None or before.state == "resolved":
            again = before is not None or incident.previous_incident_id is not None
            notices.append(Notice("reopened" if again else "opened", incident, known(incident)))
        elif RANK[incident.severity] < RANK[before.severity] or incident.last_count > _count(
            incident, before
        ):
            notices.append(Notice("worse", incident, known(incident), _count(incident, before)))
        elif incident.lapsed_at and incident.lapsed_at > before.at:
            notices.append(Notice("lapsed", incident, known(incident)))
    return notices


def _count(incident: Incident, before: Told) -> int:
    """Return the number of failing rows that people know of: when last told or, later, acknowledged."""
    if incident.acknowledged_count is None or (incident.acknowledged_at or "") < before.at:
        return before.count
    return incident.acknowledged_count


def _messages(settings: Settings, usable: list[Route], notices: list[Notice]) -> list[tuple[str, Message]]:
    """Return route and message of each: errors at once, those of a check together; warnings in a digest."""
    found: list[tuple[str, Message]] = []
    for route in usable:
        mine = [n for n in notices if route in _routes_of(n.incident, usable)]
        errors: dict[str, list[Notice]] = {}
        for notice in mine:
            if notice.incident.severity == "error":
                key = f"{notice.incident.check_id} {notice.event == 'resolved'}"
                errors.setdefault(key, []).append(notice)
        groups = list(errors.values())
        if len(groups) > MAX_ERRORS_ALONE:
            groups = [[notice for group in groups for notice in group]]
        found += [(route.name, compose(settings, group)) for group in groups]
        warnings = [n for n in mine if n.incident.severity != "error"]
        if warnings:
            found.append((route.name, compose(settings, warnings, digest=True)))
    return found


def _routes_of(incident: Incident, usable: list[Route]) -> list[Route]:
    """Return the routes of an incident; that a route fails is told on the others, whoever they belong to."""
    others = [r for r in usable if incident.check_id != f"{DELIVERY}{r.name}"]
    if len(others) < len(usable):
        return others
    return routes.choose(usable, incident.severity, incident.owner)


def _adopt(outbox: Outbox, usable: list[Route], now: datetime) -> None:
    """What waits for an address that was corrected or removed goes to the same kind, else the first."""
    names = [route.name for route in usable]
    for old in dict.fromkeys(w.route for w in outbox.waiting() if w.route not in names):
        kind = old.rsplit("_", 1)[0]
        new = next((route for route in usable if route.scheme == kind), usable[0])
        log.warning("alerts for %s, which is set no longer, go to %s", old, new.label)
        outbox.move(old, new.name, now)


def _add_up(outcome: Outcome, found: dict[str, delivery.Delivered]) -> None:
    for name, delivered in found.items():
        outcome.arrived += delivered.arrived
        if delivered.error:
            outcome.failed[name] = delivered.error


def _delivery_results(
    settings: Settings, outbox: Outbox, usable: list[Route], now: datetime
) -> list[CheckResult]:
    """Return one result for each route that failed too often, and one that passed for each that is mended."""
    late = {w.route: w for w in reversed(outbox.waiting()) if w.attempts >= FAILURES}
    labels = {route.name: route.label for route in usable}
    results = [
        _result(
            settings,
            f"{DELIVERY}{name}",
            now,
            failed=True,
            found=f"{w.attempts} attempts since {w.created_at[:16]} UTC, the last: {w.last_error}",
            it=labels.get(name, name),
        )
        for name, w in late.items()
    ]
    for incident in IncidentStore(settings).incidents(open_only=True):
        name = incident.check_id.removeprefix(DELIVERY)
        if incident.check_id.startswith(DELIVERY) and name not in late:
            results.append(_result(settings, incident.check_id, now, failed=False, found="delivered"))
    return results


def _setting_result(settings: Settings, problems: list[SettingsError], now: datetime) -> CheckResult:
    return _result(
        settings,
        SETTING,
        now,
        failed=bool(problems),
        found="; ".join(p.found or p.message for p in problems) or "every entry can be used",
        expected=routes.SYNTAX,
    )


def _record(settings: Settings, results: list[CheckResult], now: datetime) -> None:
    """Take over the results; a store that does not exist yet is not made only to say that all is well."""
    store = IncidentStore(settings)
    if results and (store.path.exists() or any(not r.success for r in results)):
        store.record(results, f"alerts-{now:%Y%m%dT%H%M%SZ}", now.strftime("%Y-%m-%dT%H:%M:%S.%f"))


def _result(
    settings: Settings,
    check_id: str,
    now: datetime,
    *,
    failed: bool,
    found: str,
    it: str | None = None,
    expected: str | None = None,
) -> CheckResult:
    return (
        register.load(settings)
        .entry(check_id, it=it)
        .result(
            status="failed" if failed else "passed",
            found=found,
            expected=expected,
            ran_at=now.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        )
    )
