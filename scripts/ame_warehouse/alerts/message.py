"""What an alert says: subject, plain text and HTML of one message about one or several incidents."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import escape
from typing import Literal

from ame_warehouse.alerts.evidence import Evidence, Place, found_in
from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.quality.incident import Incident
from ame_warehouse.settings import Settings

Event = Literal["opened", "reopened", "worse", "lapsed", "resolved"]
Field = tuple[str, str]
Section = tuple[str, list[Field]]
MAX_PLACES, MAX_NAMES, MAX_SECTIONS, MAX_TEXT = 5, 8, 25, 600
MAX_ALIKE, MAX_LINES = 5, 40  # incidents of one check that are told one by one; lines when they are not
EVENT_WORDS: dict[str, str] = {
    "opened": "new",
    "reopened": "is back",
    "worse": "is worse",
    "lapsed": "is open still, its acknowledgement has ended",
    "resolved": "is resolved",
}


@dataclass(frozen=True)
class Message:
    """One message as it is sent. `severity` and `owner` say which routes it is for."""

    subject: str
    text: str
    html: str
    severity: str


@dataclass(frozen=True)
class Notice:
    """One thing to tell: what happened to an incident, and what is known of it."""

    event: Event
    incident: Incident
    evidence: Evidence
    before: int = 0


def readers_see(settings: Settings, notice: Notice) -> str:
    """Return what readers have in front of them meanwhile: a gap, a fallback, a stale version."""
    manifest = read_manifest(settings)
    if manifest is None:
        return "nothing: no version is published yet"
    version = f"version {manifest.get('version')}, as of {manifest.get('as_of')}"
    if manifest.get("stale"):
        return f"the last good {version}, marked stale since {manifest.get('stale_since')}"
    effects = dict.fromkeys(place.effect for place in notice.evidence.places if place.effect)
    shown = "; ".join(effects) or "the values as they are; nothing is held back"
    return f"{version}: {shown}"


def compose(settings: Settings, notices: list[Notice], *, digest: bool = False) -> Message:
    """Return one message about these notices; a digest when it gathers the warnings of a run."""
    worst = min((n.incident.severity for n in notices), key=["error", "warning", "info"].index)
    alike = _alike(notices)
    shown = alike[:MAX_SECTIONS]
    sections = [_section(settings, one[0]) if len(one) == 1 else _gathered(settings, one) for one in shown]
    if len(alike) > len(shown):
        left = sum(len(one) for one in alike[MAX_SECTIONS:])
        sections.append((f"… and {left} more", [("See", "ame incidents")]))
    return _message(_subject(notices, worst, digest), sections, worst)


def plain(subject: str, severity: str, fields: list[Field]) -> Message:
    """Return a message that is about no incident: a test, or a watch that could not do its work."""
    return _message(subject, [(subject.removeprefix("[ame] "), fields)], severity)


def _message(subject: str, sections: list[Section], severity: str) -> Message:
    footer = "Sent by ame-warehouse. All open incidents: ame incidents"
    text = "\n\n".join([*(_as_text(section) for section in sections), footer]) + "\n"
    body = "".join(_as_html(section) for section in sections)
    page = f'<div style="font-family:sans-serif">{body}<p style="color:#555">{escape(footer)}</p></div>'
    return Message(_line(subject, 150), text, page, severity)


def _subject(notices: list[Notice], worst: str, digest: bool) -> str:
    open_ones = [n for n in notices if n.event != "resolved"]
    solved = len(notices) - len(open_ones)
    if len(notices) == 1:
        one = notices[0]
        where = _where(one)
        return (
            f"[ame] {'RESOLVED' if one.event == 'resolved' else worst.upper()} {one.incident.check_id} "
            f"{EVENT_WORDS[one.event]}{': ' + where if where else ''} ({one.incident.incident_id})"
        )
    kind = "warning" if digest else worst
    parts = [f"{len(open_ones)} {kind}{'s' if len(open_ones) != 1 else ''}"] if open_ones else []
    parts += [f"{solved} resolved"] if solved else []
    checks = ", ".join(dict.fromkeys(n.incident.check_id for n in notices))
    mark = "RESOLVED" if not open_ones else worst.upper()
    return f"[ame] {mark} {', '.join(parts)}: {checks}"


def _where(notice: Notice) -> str:
    names = list(dict.fromkeys(p.municipality for p in notice.evidence.places if p.municipality))
    if notice.event == "resolved" or not names:
        return notice.incident.scope
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _alike(notices: list[Notice]) -> list[list[Notice]]:
    """Return the notices one by one, but those of one check together where it has many to tell."""
    kinds: dict[tuple[str, ...], list[Notice]] = {}
    for one in notices:
        kinds.setdefault((one.incident.check_id, one.event, one.incident.severity), []).append(one)
    return [
        part
        for kind in kinds.values()
        for part in ([kind] if len(kind) > MAX_ALIKE else [[one] for one in kind])
    ]


def _gathered(settings: Settings, notices: list[Notice]) -> Section:
    """Return heading and fields of many incidents of one check: a line for each, the rest once."""
    first, last, event = notices[0].incident, notices[-1].incident, notices[0].event
    title = f"{first.check_id} ({first.severity}) {EVENT_WORDS[event]}: {len(notices)} incidents"
    lines = [(one.incident.incident_id, _one_line(one)) for one in notices[:MAX_LINES]]
    if len(notices) > len(lines):
        lines.append(("…", f"and {len(notices) - len(lines)} more, up to {last.incident_id}"))
    if event == "resolved":
        return title, [*lines, ("Who acts", "nobody needs to"), ("Their story", "ame incidents show ID")]
    known = notices[0].evidence
    return title, [
        ("What", _sentence(first)),
        ("Expected", known.expected or "see What"),
        *lines,
        ("Source", known.fetched or _newest_fetches(settings)),
        ("Readers see", readers_see(settings, notices[0])),
        ("Who acts", first.owner),
        ("What to do", first.action),
        ("Failing rows", f"ame incidents rows {first.incident_id}, and so on"),
        *([("Table", f"{known.table} in {known.file}")] if known.file else []),
        *([("Data Docs", known.page.as_uri())] if known.page else []),
    ]


def _one_line(notice: Notice) -> str:
    """Return where an incident of many is, and what was found there."""
    groups = _grouped(notice.evidence.places)
    told = [
        " ".join(part for part in (_names(names), place.year, f"{place.measure}:", place.found) if part)
        + (f" (expected {place.expected})" if place.expected != notice.evidence.expected else "")
        for names, place in groups[:MAX_PLACES]
    ]
    return "; ".join(told) or ": ".join(
        part for part in (notice.incident.scope, notice.evidence.found) if part
    )


def _sentence(incident: Incident) -> str:
    """Return what does not hold, without what was expected and found: these stand beside it."""
    about = f"{incident.scope}: " if incident.scope else ""
    return incident.summary.removeprefix(about).split(" Expected ")[0]


def _section(settings: Settings, notice: Notice) -> Section:
    """Return heading and fields of one incident; where one cause hits many places they share a field."""
    incident, known = notice.incident, notice.evidence
    title = f"{incident.incident_id} {incident.check_id} ({incident.severity}) {EVENT_WORDS[notice.event]}"
    if notice.event == "resolved":
        return title, [
            ("What it was", incident.summary),
            ("Open", f"from {_minute(incident.opened_at)} to {_minute(incident.resolved_at or '')} UTC, "
             f"seen by {incident.times_seen} runs"),
            ("Readers see", readers_see(settings, notice)),
            ("Who acts", "nobody needs to"),
            ("Its story", f"ame incidents show {incident.incident_id}"),
        ]  # fmt: skip
    fields: list[Field] = [("What", _what(incident))]
    if notice.event == "worse":
        fields.append(
            ("Worse", f"{incident.last_count} rows fail, {notice.before} when last told or acknowledged")
        )
    if notice.event == "reopened":
        fields.append(("Earlier", _earlier(incident)))
    if notice.event == "lapsed":
        ended = _minute(incident.lapsed_at or "")
        fields.append(("Ended", f"{ended} UTC; its note: ame incidents show {incident.incident_id}"))
    if incident.acknowledged_by:
        fields.append(("Known to", f"{incident.acknowledged_by}: {incident.note}"))
    groups = _grouped(known.places) or [
        ([], Place("", incident.scope, "", known.expected, known.found, known.fetched))
    ]
    for names, place in groups[:MAX_PLACES]:
        fields += [
            ("Municipality", _names(names) or "not of one municipality"),
            ("Measure", place.measure or f"the check {incident.check_id}"),
            ("Year", place.year or "not of one year"),
            ("Expected", place.expected or "see What"),
            ("Found", place.found or known.found or "see What"),
            ("Source", place.fetched or known.fetched or _newest_fetches(settings)),
        ]
    if len(groups) > MAX_PLACES:
        fields.append(("More", f"{len(groups) - MAX_PLACES} further groups of failing rows"))
    rows = f"ame incidents rows {incident.incident_id}"
    return title, [
        *fields,
        ("Readers see", readers_see(settings, notice)),
        ("Who acts", incident.owner),
        ("What to do", incident.action),
        ("Failing rows", rows if known.file else f"ame incidents show {incident.incident_id}"),
        *([("Table", f"{known.table} in {known.file}")] if known.file else []),
        *([("Data Docs", known.page.as_uri())] if known.page else []),
    ]


def _what(incident: Incident) -> str:
    """Return what does not hold and in how many rows; expected and found have fields of their own."""
    count = re.match(r"\d+ of \d+ rows", found_in(incident.summary))
    return _sentence(incident) + (f" Fails: {count[0]}." if count else "")


def _earlier(incident: Incident) -> str:
    """Return what is known of a fault that is back: the same incident opened again, or the one before."""
    if incident.reopened_at is None:
        return f"{incident.previous_incident_id}, resolved since"
    return f"open from {_minute(incident.opened_at)} UTC, resolved, back {_minute(incident.reopened_at)} UTC"


def _newest_fetches(settings: Settings) -> str:
    """Return what the published version was made of, for an incident that no row tells more of."""
    sources = (read_manifest(settings) or {}).get("sources") or {}
    dates = [
        f"{name}, fetched {str(s['fetched_at'])[:10]}" for name, s in sources.items() if s.get("fetched_at")
    ]
    return "; ".join(dates) or "no fetch is known"


def _grouped(places: list[Place]) -> list[tuple[list[str], Place]]:
    """Gather places with the same measure, year, expectation, finding and fetch; most places first.

    Groups that differ in nothing but the measure share one entry too.
    """
    groups: dict[tuple[str, ...], tuple[list[str], Place]] = {}
    for p in places:
        key = (p.measure, p.year, p.expected, p.found, p.fetched)
        names = groups.setdefault(key, ([], p))[0]
        if p.municipality and p.municipality not in names:
            names.append(p.municipality)
    merged: dict[tuple[str, ...], tuple[list[str], list[str], Place]] = {}
    for names, p in groups.values():
        same = (*names, p.year, p.expected, p.found, p.fetched)
        merged.setdefault(same, (names, [], p))[1].append(p.measure)
    together = [(names, replace(p, measure=_names(measures))) for names, measures, p in merged.values()]
    return sorted(together, key=lambda group: -len(group[0]))


def _names(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def _as_text(section: Section) -> str:
    title, fields = section
    return "\n".join([title, *(f"  {name + ':':<14}{_line(value)}" for name, value in fields)])


def _as_html(section: Section) -> str:
    title, fields = section
    rows = "".join(
        f'<tr valign="top"><th align="left" nowrap>{escape(name)}:</th><td>{escape(_line(value))}</td></tr>'
        for name, value in fields
    )
    return f'<h3>{escape(title)}</h3><table cellpadding="3">{rows}</table>'


def _line(text: str, limit: int = MAX_TEXT) -> str:
    """Return the text on one line (no header can be smuggled into a subject), cut when it is very long."""
    one = " ".join(text.split())
    return one if len(one) <= limit else one[: limit - 1] + "…"


def _minute(text: str) -> str:
    return text[:16].replace("T", " ")
