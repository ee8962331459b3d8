"""Delivery: what waits in the outbox goes to its routes, each within its time limit, all of them at once."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from ame_warehouse.alerts.message import Message
from ame_warehouse.alerts.outbox import Outbox
from ame_warehouse.alerts.quiet import quiet
from ame_warehouse.alerts.routes import Route, instance
from ame_warehouse.errors import AmeError

ROUTE_SECONDS = 10.0
CONNECT_SECONDS, READ_SECONDS = 4.0, 6.0
HEARTBEAT_SECONDS = 8.0
HTTP_ERROR = 400
SECRET_LENGTH = 3
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivered:
    """What came of one route: how many messages arrived, and why the first that did not, did not."""

    arrived: int = 0
    error: str | None = None


def send(route: Route, message: Message, seconds: float | None = None) -> str | None:
    """Send one message; return None when it arrived, else why not. Never raises, never takes longer."""
    seconds = ROUTE_SECONDS if seconds is None else seconds
    answer = _bounded(lambda: _send(route, message), seconds)
    return f"no answer within {seconds:g} s" if answer is _TOO_SLOW else answer


def flush(
    outbox: Outbox, routes: list[Route], now: datetime | None = None, seconds: float | None = None
) -> dict[str, Delivered]:
    """Deliver what is due to every route at once, for at most `seconds`; the rest waits for the next run."""
    found: dict[str, Delivered] = {}
    seconds = ROUTE_SECONDS if seconds is None else seconds

    def work(route: Route) -> None:
        found[route.name] = _deliver(outbox, route, now, time.monotonic() + seconds)

    threads = [threading.Thread(target=work, args=(route,), daemon=True) for route in routes]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds + 1
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {r.name: found.get(r.name, Delivered(error="the outbox is busy")) for r in routes}


def _deliver(outbox: Outbox, route: Route, now: datetime | None, deadline: float) -> Delivered:
    arrived = 0
    try:
        while (left := deadline - time.monotonic()) > 0:
            claimed = outbox.claim(route.name, now or datetime.now(UTC))
            if claimed is None:
                break
            number, message = claimed
            error = send(route, message, max(left, 0.5))
            if error is not None:
                outbox.failed(number, error, now or datetime.now(UTC))
                log.warning("an alert did not reach %s, it will be tried again: %s", route.label, error)
                return Delivered(arrived, error)
            outbox.delivered(number, now or datetime.now(UTC))
            arrived += 1
    except AmeError as exc:
        log.error("%s", exc)
        return Delivered(arrived, exc.message)
    return Delivered(arrived)


def _send(route: Route, message: Message) -> str | None:
    with quiet() as said:
        try:
            service = instance(route, connect=CONNECT_SECONDS, read=READ_SECONDS)
            if service is None:
                return "Apprise cannot use the address"
            arrived = _notify(service, message)
            if not arrived and max(len(message.text), len(message.html)) > service.body_maxlen:
                arrived = _notify(service, message, in_parts=True)  # it was refused for its length
        except Exception as exc:
            return hide(f"{type(exc).__name__}: {exc}", route.url)
        reason = said[0] if said else "the receiver did not take it"
    return None if arrived else hide(reason, route.url)


def _notify(service: Any, message: Message, *, in_parts: bool = False) -> bool:
    """Let Apprise's object send the message, whole or in as many parts as its service asks for."""
    import apprise

    kinds = {"error": "failure", "warning": "warning", "info": "info"}
    formats = service.notify_format  # one, or several with the preferred one first
    first = formats[0] if isinstance(formats, (tuple, list)) else formats
    is_html = first == apprise.NotifyFormat.HTML and not in_parts  # half a page is none
    if in_parts:
        service.overflow_mode = apprise.OverflowMode.SPLIT
    carrier = apprise.Apprise()
    carrier.add(service)
    return bool(
        carrier.notify(
            title=message.subject,
            body=message.html if is_html else message.text,
            body_format=apprise.NotifyFormat.HTML if is_html else apprise.NotifyFormat.TEXT,
            notify_type=kinds.get(message.severity, "info"),
        )
    )


def hide(text: str, url: str) -> str:
    """Return the text, on one line, without any part of the address that may be secret."""
    both = f"{url.partition('://')[2]} {unquote(url.partition('://')[2])}"
    parts = {part for part in re.split(r"[/:@?&=,%\s]+", both) if len(part) >= SECRET_LENGTH}
    for part in (url, *sorted(parts, key=len, reverse=True)):
        text = text.replace(part, "…")
    return " ".join(text.split())[:300]


def heartbeat(url: str) -> str | None:
    """Fetch the address that an outside monitor listens at; return None when it answered, else why not."""
    seconds = HEARTBEAT_SECONDS
    answer = _bounded(lambda: _get(url, seconds), seconds)
    return f"no answer within {seconds:g} s" if answer is _TOO_SLOW else answer


def _get(url: str, seconds: float) -> str | None:
    import requests

    with quiet():
        try:
            with requests.get(url, timeout=seconds, stream=True) as answer:
                return f"status {answer.status_code}" if answer.status_code >= HTTP_ERROR else None
        except (requests.RequestException, ValueError) as exc:
            return hide(type(exc).__name__, url)


_TOO_SLOW = "\0"


def _bounded(work: Callable[[], str | None], seconds: float) -> str | None:
    """Return what the work returns, or `_TOO_SLOW`: a receiver that drips bytes cannot hold up a run."""
    found: dict[str, Any] = {}

    def run() -> None:
        found["answer"] = work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return found.get("answer", _TOO_SLOW) if not thread.is_alive() else _TOO_SLOW
