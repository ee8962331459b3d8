"""Backfill, the reload of chosen measures and years: what it would ask, and who did it, why, what changed."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ame_warehouse.errors import AmeError, LandingError
from ame_warehouse.settings import Settings

PAGE_SIZE = 5000
CATALOGUE_REQUESTS = 2  # the list of measures, the list of places
SEXES = 3


@dataclass(frozen=True)
class Order:
    """What is asked for; None means all (of the catalogue, of the scope, of the years)."""

    measures: list[str] | None
    municipalities: list[str] | None
    years: list[int] | None

    def record(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        return {"measures": self.measures, "municipalities": self.municipalities, "years": self.years}


def preview(settings: Settings, order: Order) -> dict[str, Any]:
    """Return what a backfill would ask, without asking the source anything.

    Keys: measures, places (numbers), years, fetches, requests (when every answer is one page),
    requests_at_most (with the pages of full answers; None when the years are not given), cells (measure ×
    place × year × sex; None likewise), has_value, missing (of the cells that are loaded now; None when
    nothing is published), not_in_catalogue (measures that the source does not list any more).
    Raises `SettingsError` for unknown measures, places or years.
    """
    from ame_warehouse.kolada.plan import questions
    from ame_warehouse.landing.metadata import source_group_ids
    from ame_warehouse.pipeline.ingest import chosen_kpis, chosen_years
    from ame_warehouse.sample.tables import vintage_dates
    from ame_warehouse.seeds import place_ids, read_seed

    kpis = chosen_kpis(settings, order.measures)
    scope = ",".join(order.municipalities) if order.municipalities else settings.municipalities
    places = place_ids(settings.model_copy(update={"municipalities": scope}))
    years = chosen_years(order.years)
    listed = [kpi.kpi_id for kpi in kpis if kpi.is_current]
    plan = questions(listed, places, years)
    fetches = 1 if settings.sources == "live" else len(vintage_dates(settings))
    fixed = CATALOGUE_REQUESTS + bool(source_group_ids(settings))
    divided = {
        row["kpi_id"]
        for row in read_seed(settings, "kpi_catalogue", ("kpi_id", "is_divided_by_gender"))
        if row["is_divided_by_gender"] == "1"
    }
    sexes = sum(SEXES if kpi in divided else 1 for kpi in listed)
    return {
        "measures": len(listed),
        "places": len(places),
        "years": years,
        "fetches": fetches,
        "requests": fetches * (fixed + len(plan)),
        "requests_at_most": fetches * (fixed + sum(_pages(q) for q in plan)) if years else None,
        "cells": sexes * len(places) * len(years) if years else None,
        **_loaded(settings, listed, places, years),
        "not_in_catalogue": [kpi.kpi_id for kpi in kpis if not kpi.is_current],
    }


def _pages(question: Any) -> int:
    records = len(question.kpi_ids) * len(question.municipality_ids) * len(question.years or ())
    return max(1, -(-records // PAGE_SIZE))


def _loaded(
    settings: Settings, kpis: list[str], places: list[str], years: list[int] | None
) -> dict[str, int | None]:
    """Return how many of the cells are loaded now, with and without a value."""
    from ame_warehouse.pipeline.published import open_published

    try:
        with open_published(settings) as con:
            row = con.execute(
                "select count(value), count(*) - count(value) from marts.observations "
                "where list_contains($kpis, kpi_id) and list_contains($places, municipality_id) "
                "and ($years is null or list_contains($years, year))",
                {"kpis": kpis, "places": places, "years": years},
            ).fetchone()
    except AmeError:
        return {"has_value": None, "missing": None}
    return {"has_value": row[0], "missing": row[1]} if row else {"has_value": None, "missing": None}


def log_path(settings: Settings) -> Path:
    """Return the log of backfills: one JSON object a line."""
    return settings.quality / "backfills.jsonl"


def logged(settings: Settings) -> list[dict[str, Any]]:
    """Return the logged backfills, oldest first; a line that a killed process cut off is left out."""
    try:
        lines = log_path(settings).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for text in lines:
        try:
            entry = json.loads(text)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def line(entry: dict[str, Any]) -> str:
    """Return one line about a logged backfill, for people."""
    order = [entry.get(name) for name in ("measures", "years", "municipalities")]
    asked = "; ".join(_short(part) for part in order if part)
    changed = {kind: n for kind, n in (entry.get("changed") or {}).items() if n}
    came = entry.get("error") or ", ".join(f"{n} {kind}" for kind, n in changed.items()) or "nothing changed"
    reason = f" ({entry['reason']})" if entry.get("reason") else ""
    return f"{str(entry.get('started_at'))[:16].replace('T', ' ')} {entry.get('by')}: {asked}{reason}: {came}"


def _short(values: Sequence[Any]) -> str:
    shown = ",".join(str(value) for value in values[:4])
    return shown + (f",… ({len(values)})" if len(values) > 4 else "")  # noqa: PLR2004


class Log:
    """One entry of the log: opened before the run, written when it has ended, well or not."""

    def __init__(self, settings: Settings, order: Order, by: str, reason: str | None) -> None:
        self._settings = settings
        self._started = datetime.now(UTC)
        self._before = self._version()
        self._entry: dict[str, Any] = {
            "started_at": f"{self._started:%Y-%m-%dT%H:%M:%SZ}",
            "by": by,
            "reason": reason,
            "mode": settings.sources,
            **order.record(),
        }

    def failed(self, error: str) -> dict[str, Any]:
        """Write that the run failed: what it had fetched stays landed, and the next run builds from it."""
        return self._write({"outcome": "failed", "error": error})

    def ended(self, steps: dict[str, Any]) -> dict[str, Any]:
        """Write what the run fetched and what changed in what is published."""
        fetch = steps.get("fetch_kolada", {})
        return self._write(
            {
                "outcome": "done",
                "requests": fetch.get("requests"),
                "measure_outcomes": fetch.get("measures"),
                "fetch_ids": fetch.get("fetch_ids"),
                "changed": self._changed(),
            }
        )

    def _version(self) -> str | None:
        from ame_warehouse.publish.manifest import read_manifest

        version = (read_manifest(self._settings) or {}).get("version")
        return str(version) if version else None

    def _changed(self) -> dict[str, int] | None:
        """Return the number of changes by kind; None when there is nothing to compare with."""
        from ame_warehouse.history import diff

        after = self._version()
        if self._before is None or after is None:
            return None
        if after == self._before:
            return dict.fromkeys(diff.KINDS, 0)
        try:
            before, now = (diff.state(self._settings, version) for version in (self._before, after))
            return dict(diff.compare(self._settings, before, now)["summary"])
        except AmeError:  # the version before is not kept any more
            return None

    def _write(self, result: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        entry = {
            **self._entry,
            "seconds": round((now - self._started).total_seconds(), 1),
            "version_before": self._before,
            "version_after": self._version(),
            **result,
        }
        path = log_path(self._settings)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a+b") as handle:
                cut = handle.seek(0, os.SEEK_END) and _last_byte(handle) != b"\n"
                text = json.dumps(entry, ensure_ascii=False)
                handle.write((("\n" if cut else "") + text + "\n").encode("utf-8"))
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as exc:
            raise LandingError(
                "the backfill has been done, but its log cannot be written",
                expected="free space and permission to write in AME_HOME/quality",
                found=f"{type(exc).__name__}: {exc.strerror or exc}",
                source=str(path),
                action="free space or correct the permissions",
            ) from exc
        return entry


def _last_byte(handle: Any) -> bytes:
    handle.seek(-1, os.SEEK_END)
    return bytes(handle.read(1))
