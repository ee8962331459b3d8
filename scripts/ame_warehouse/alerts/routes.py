"""AME_ALERT_URLS: where alerts go, by severity and owner.

Each entry is `[SEVERITY][@OWNER[+OWNER…]]=URL` or a bare URL: `warning@operator=mailto://…` takes
the warnings and errors that an operator should act on. A URL holds passwords and tokens:
nothing here ever shows one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from ame_warehouse.errors import SettingsError
from ame_warehouse.settings import Settings

RANK = {"error": 0, "warning": 1, "info": 2}
OWNERS = ("data_engineer", "data_steward", "operator")
SYNTAX = "comma-separated [error|warning|info][@OWNER]=URL, for example warning@operator=mailto://…"
_SCHEME = r"[a-zA-Z][a-zA-Z0-9]*://"
_BETWEEN = re.compile(rf",\s*(?=(?:[^\s,=:/?]*=)?{_SCHEME})")
_ENTRY = re.compile(r"(?:(?P<prefix>[^\s,=:/?]*)=)?(?P<url>(?P<scheme>[a-zA-Z][a-zA-Z0-9]*)://.*)", re.DOTALL)


@dataclass(frozen=True)
class Route:
    """One address. `name` is stable and tells nothing secret: scheme and a short hash of the URL."""

    name: str
    position: int
    scheme: str
    minimum: str
    owners: tuple[str, ...]
    url: str = field(repr=False)

    @property
    def label(self) -> str:
        """What a person reads: `route 2 (mailto, warning and worse, operator)`."""
        who = ", ".join(self.owners) or "every owner"
        return f"route {self.position} ({self.scheme}, {self.minimum} and worse, {who})"

    def takes(self, severity: str, owner: str) -> bool:
        """True when an alert of this severity and owner goes here."""
        return RANK.get(severity, 0) <= RANK[self.minimum] and (not self.owners or owner in self.owners)


def parse(settings: Settings) -> list[Route]:
    """Return the routes; raise `SettingsError`, without the URL, for the first that cannot be used."""
    routes, problems = usable(settings)
    if problems:
        raise problems[0]
    return routes


def usable(settings: Settings) -> tuple[list[Route], list[SettingsError]]:
    """Return the routes that can be used, and what is wrong with the others."""
    routes: dict[str, Route] = {}
    problems: list[SettingsError] = []
    text = settings.alert_urls.strip().strip(",")
    for position, entry in enumerate(_BETWEEN.split(text) if text else [], start=1):
        try:
            route = _route(position, entry.strip())
            routes.setdefault(route.name, route)
        except SettingsError as exc:
            problems.append(exc)
    return list(routes.values()), problems


def choose(routes: list[Route], severity: str, owner: str) -> list[Route]:
    """Return the routes of an alert. An error that no route takes goes to all: it must not get lost."""
    chosen = [route for route in routes if route.takes(severity, owner)]
    return chosen or (list(routes) if severity == "error" else [])


def instance(route: Route, *, connect: float = 4.0, read: float = 6.0) -> Any:
    """Return Apprise's object for the route, with our timeouts; None when Apprise does not know the URL."""
    import apprise

    # 0 = no time limit of Apprise's own: its threads would keep the process from ending.
    asset = apprise.AppriseAsset(service_timeout=0)
    service = apprise.Apprise.instantiate(route.url, asset=asset, suppress_exceptions=True)
    if service is not None:
        service.socket_connect_timeout = connect
        service.socket_read_timeout = read
    return service


def _route(position: int, entry: str) -> Route:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise _wrong(position, "no address of the form scheme://…", SYNTAX)
    prefix, url, scheme = match["prefix"] or "", match["url"], match["scheme"].lower()
    minimum, _, people = prefix.partition("@")
    owners = tuple(part for part in people.split("+") if part)
    if minimum and minimum not in RANK:
        raise _wrong(position, f"the severity {minimum!r}", "error, warning or info before the =")
    if ("@" in prefix and not owners) or not set(owners) <= set(OWNERS):
        raise _wrong(
            position, f"the owner {people!r}", "one or more of " + ", ".join(OWNERS) + ", joined by +"
        )
    digest = hashlib.sha256(entry.encode()).hexdigest()[:8]
    route = Route(f"{scheme}_{digest}", position, scheme, minimum or "warning", owners, url)
    from ame_warehouse.alerts.quiet import quiet

    with quiet():
        known = instance(route)
    if known is None:
        raise _wrong(
            position, f"an address with {scheme}:// that Apprise cannot use", "a complete Apprise URL"
        )
    return route


def _wrong(position: int, found: str, expected: str) -> SettingsError:
    return SettingsError(
        "the setting AME_ALERT_URLS cannot be used",
        expected=expected,
        found=f"entry {position}: {found} (the address is not shown: it may hold a password)",
        source="environment or .env",
        action=f"correct entry {position}: {SYNTAX}; then `ame alerts test`",
    )
