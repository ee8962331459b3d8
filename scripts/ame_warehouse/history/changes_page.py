"""What a publication changed, for people: a page and a text under AME_HOME/quality/changes, and a digest."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from ame_warehouse.history import changes
from ame_warehouse.history.changes_templates import INDEX_PAGE, PAGE, VERSION_PAGE
from ame_warehouse.history.diff import KINDS
from ame_warehouse.settings import Settings

Row = dict[str, Any]
TITLES = {
    "revised": "Ändrade värden",
    "withdrawn": "Indragna värden",
    "gap_opened": "Nya luckor",
    "measure_gone": "Mått som försvunnit",
    "definition": "Ändrade definitioner, enheter och indelningar",
    "member_left": "Kommuner som lämnat en grupp",
    "reason_changed": "Luckor med annan orsak",
    "gap_gone": "Luckor som inte längre förväntas ha värde",
    "added": "Nya värden",
    "gap_closed": "Fyllda luckor",
    "finalised": "Preliminära värden som blivit slutliga",
    "measure_new": "Nya mått",
    "member_added": "Kommuner som kommit till en grupp",
}
"""Every kind of change with its Swedish title, what needs a reader's eye first."""
PEACEFUL = {"added", "gap_closed", "finalised", "measure_new", "member_added", "gap_gone"}
DIGEST_ROWS, DIGEST_NAMES = 5, 8
log = logging.getLogger(__name__)


def folder(settings: Settings) -> Path:
    """Return where the pages are; `index.html` is the start page."""
    return settings.quality / "changes"


def after_publication(settings: Settings, version: str) -> Path | None:
    """Tell what the published version changed, once: the digest, then the page, its text and the index.

    Returns the page; None when nothing changed. Never raises: the data are published. What was interrupted
    is done by the next run.
    """
    details, page = changes.details_path(settings, version), folder(settings) / f"{version}.html"
    if not details.is_file():
        return page if page.is_file() else None
    try:
        record = json.loads(details.read_text(encoding="utf-8"))
        _digest(settings, record, page)
        _write(settings, record, page)
        details.unlink()
    except Exception:
        log.exception("what changed with %s could not be told; the next run tries again", version)
        return None
    return page


def counts(found: list[Row]) -> dict[str, int]:
    """Return the number of changes by kind, as far as there are any, in the order of the page."""
    totals = {kind: sum(row["n"] for row in found if row["change"] == kind) for kind in TITLES}
    return {kind: n for kind, n in totals.items() if n}


def as_text(record: Row) -> str:
    """Return the text of a publication's changes."""
    lines = [
        f"Förändringar med version {record['version']}",
        f"Jämfört med version {record['version_before']}",
        "",
    ]
    for kind, n in counts(record["rows"]).items():
        lines.append(f"{TITLES[kind]}: {n}")
        for row in (row for row in record["rows"] if row["change"] == kind):
            value = "; ".join(part for part in (_place(row), _step(row)) if part)
            of = f"{row['subject'] or row['subject_id']} ({row['field']})"
            lines.append(f"  {row['n']:>6}  {of}{': ' + value if value else ''}")
        lines.append("")
    return "\n".join(lines)


def _write(settings: Settings, record: Row, page: Path) -> None:
    root = folder(settings)
    root.mkdir(parents=True, exist_ok=True)
    kinds = [
        {
            "id": kind,
            "title": TITLES[kind],
            "n": n,
            "rows": [row for row in record["rows"] if row["change"] == kind],
            "cells": [row for row in record["cells"] if row["change"] == kind and row["municipality_id"]],
        }
        for kind, n in counts(record["rows"]).items()
    ]
    title = f"Förändringar med version {record['version']}"
    html = _render("version", title=title, record=record, kinds=kinds, shown=changes.SHOWN_CELLS)
    _replace(root / f"{record['version']}.txt", as_text(record))
    summary = {key: record[key] for key in ("version", "version_before", "built_at", "rows")}
    _replace(root / f"{record['version']}.json", json.dumps(summary, ensure_ascii=False, indent=1))
    _replace(page, html)
    lines = []
    for path in sorted(root.glob("*Z-*.json"), reverse=True):
        body = json.loads(path.read_text(encoding="utf-8"))
        found = counts(body["rows"])
        lines.append({**body, "counts": [found.get(kind, 0) for kind in TITLES]})
    _replace(
        root / "index.html",
        _render("index", title="Vad publiceringarna ändrade", titles=list(TITLES.values()), lines=lines),
    )


def _digest(settings: Settings, record: Row, page: Path) -> None:
    from ame_warehouse.alerts import tell

    found = counts(record["rows"])
    largest = sorted(
        (row for row in record["rows"] if row["change"] == "revised"),
        key=lambda row: -abs(row["difference_pct"] or 0.0),
    )[:DIGEST_ROWS]
    gaps = list(
        dict.fromkeys(
            f"{row['municipality']} {row['period']} {row['measure_id']}"
            for row in record["cells"]
            if row["change"] in {"gap_opened", "withdrawn"}
        )
    )
    fields = [
        ("Version", f"{record['version']}, before it {record['version_before']}"),
        *((f"{kind}", f"{n} ({KINDS[kind]})") for kind, n in found.items()),
        *(
            ("Largest", f"{row['subject']}: {_place(row)}; {_step(row)} ({row['n']} revised)")
            for row in largest
        ),
        *((("Gaps, gone", _names(gaps)),) if gaps else ()),
        ("Readers see", "the new values; the ones before: ame as-of, marts.observation_history"),
        ("Who acts", "data_steward, when a change is not expected"),
        ("All of it", f"ame changes {record['version']}; {page}"),
    ]
    severity = "info" if set(found) <= PEACEFUL else "warning"
    parts = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in found.items())
    tell.digest(settings, f"changes {record['version']}", f"[ame] CHANGED {parts}", severity, fields)


def _names(names: list[str]) -> str:
    more = f" and {len(names) - DIGEST_NAMES} more" if len(names) > DIGEST_NAMES else ""
    return "; ".join(names[:DIGEST_NAMES]) + more


def _render(name: str, **values: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"page": PAGE, "version": VERSION_PAGE, "index": INDEX_PAGE}),
        autoescape=True,
    )
    environment.filters |= {
        "place": _place,
        "before": lambda row: _either(row, "before"),
        "after": lambda row: _either(row, "after"),
        "difference": _difference,
    }
    return environment.get_template(name).render(**values)


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _place(row: Row) -> str:
    return " ".join(str(row[name]) for name in ("municipality", "period", "gender") if row[name])


def _step(row: Row) -> str:
    before, after, change = _either(row, "before"), _either(row, "after"), _difference(row)
    return (f"{before} → {after}" + (f" ({change})" if change else "")) if before or after else ""


def _either(row: Row, side: str) -> str:
    value = row[f"value_{side}"]
    text = row.get(f"text_{side}", row.get(side))
    return _number(value) if value is not None else str(text or "")


def _difference(row: Row) -> str:
    if row["difference"] is None:
        return ""
    pct = f", {_number(row['difference_pct'], signed=True)} %" if row["difference_pct"] is not None else ""
    return _number(row["difference"], signed=True) + pct


def _number(value: float, *, signed: bool = False) -> str:
    """Return a number as Swedish readers write it: 12 345,6."""
    text = f"{value:+,.2f}" if signed else f"{value:,.2f}"
    text = text.rstrip("0").rstrip(".")
    return text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",").replace("-", "−")
