"""The steps of the pipeline, as the Airflow tasks and the `ame` command call them.

Every function loads the settings itself, takes plain arguments and returns a plain dictionary that
can be written as JSON. Steps that write hold the writer lock of AME_HOME while they last.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ame_warehouse.errors import short
from ame_warehouse.landing import compact
from ame_warehouse.pipeline import locks, progress
from ame_warehouse.pipeline.faults import is_of_the_machine
from ame_warehouse.settings import Settings, load_settings


@contextmanager
def _writing(step: str) -> Iterator[Settings]:
    """Load the settings and hold the writer lock for the block.

    When disk or permissions end the step, readers are told that theirs is stale.
    """
    settings = load_settings()
    with locks.writer(settings, f"the step {step}"):
        try:
            compact.finish(settings)
            yield settings
        except Exception as exc:
            if is_of_the_machine(exc):
                from ame_warehouse.pipeline import build

                build.mark_stale(settings, f"the step {step} could not write: {short(exc)}")
            raise


def fetch_kolada(
    measures: list[str] | None = None,
    municipalities: list[str] | None = None,
    years: list[int] | None = None,
    *,
    reason: str | None = None,
    requested_by: str | None = None,
    resume: str | None = None,
) -> dict[str, Any]:
    """Fetch from Kolada into the landing; None means all that the catalogue and the scope name.

    When a part is named, or a reason, it is a backfill: logged with `requested_by`. `resume` is the id of an
    interrupted backfill that has landed: its fetches are used, and nothing is asked again.

    Returns `{"fetch_ids": [...], "measures": {outcome: n}, "requests": n}`, and `backfill_id`. Raises
    `SourceError` when nothing could be fetched (an incident until a later fetch succeeds), `SettingsError`
    for an unknown measure or municipality.
    """
    from ame_warehouse.pipeline import backfills, ingest, sources

    order = {"measures": measures, "municipalities": municipalities, "years": years}
    with _writing("fetch_kolada") as settings, sources.fetched(settings, "kolada"):
        return backfills.logged_fetch(
            settings,
            order,
            lambda: ingest.fetch_kolada(
                settings,
                measures,
                municipalities,
                years,
                progress=lambda done, total, _label: progress.advanced("fetch_kolada", done, total),
                go_on=True,
            ),
            reason=reason,
            requested_by=requested_by,
            resume=resume,
        )


def parse_landing(fetch_ids: list[str]) -> dict[str, Any]:
    """Turn landed fetches into observations; returns `{"observations": n, "unchanged": n, "findings": n}`.

    A failure is an incident until they can be read.
    """
    from ame_warehouse.pipeline import ingest, sources

    with _writing("parse_landing") as settings, sources.parsed(settings, "kolada"):
        return ingest.parse_landing(settings, fetch_ids)


def fetch_af() -> dict[str, Any]:
    """Fetch Arbetsförmedlingen's workbooks into the landing, those that are new.

    Returns `{"fetch_ids": [...], "changed": bool, "files": {outcome: n}, "requests": n}`. A failure is an
    incident until a later fetch succeeds. Raises `SourceError` when the index page cannot be used.
    """
    from ame_warehouse.pipeline import ingest_af, sources

    with _writing("fetch_af") as settings, sources.fetched(settings, "arbetsformedlingen"):
        return ingest_af.fetch_af(
            settings, progress=lambda done, total, _name: progress.advanced("fetch_af", done, total)
        )


def parse_af(fetch_ids: list[str]) -> dict[str, Any]:
    """Turn fetched workbooks into observations.

    Returns `{"observations": n, "unchanged": n, "findings": n, "skipped": n}`. A failure is an incident until
    they can be read.
    """
    from ame_warehouse.pipeline import ingest_af, sources

    with _writing("parse_af") as settings, sources.parsed(settings, "arbetsformedlingen"):
        return ingest_af.parse_af(settings, fetch_ids)


def plan_build(full_refresh: bool = False, switch_sources: bool = False) -> dict[str, Any]:
    """Say whether a build is needed: `{"needed": bool, "version": …, "fingerprint": …, "reason": …}`.

    `switch_sources` lets figures of the sample replace published live ones, or the other way round.
    """
    from ame_warehouse.pipeline import build

    with _writing("plan_build") as settings:
        return build.plan_build(settings, full_refresh, switch_sources=switch_sources)


def check_landing(version: str) -> dict[str, Any]:
    """Check shape and volume of what has landed; raises `CheckFailedError` for severity `error`."""
    from ame_warehouse.pipeline import build

    with _writing("check_landing") as settings:
        return build.check_landing(settings, version)


def run_dbt(version: str) -> dict[str, Any]:
    """Build the candidate and run the dbt tests; raises `BuildError` or `CheckFailedError`."""
    from ame_warehouse.pipeline import build

    with _writing("run_dbt") as settings:
        return build.run_dbt(settings, version)


def check_marts(version: str) -> dict[str, Any]:
    """Check the candidate's marts with Great Expectations; raises `CheckFailedError` for severity `error`."""
    from ame_warehouse.pipeline import build

    with _writing("check_marts") as settings:
        return build.check_marts(settings, version)


def publish(version: str) -> dict[str, Any]:
    """Replace the published version by the candidate, atomically."""
    from ame_warehouse.pipeline import build

    with _writing("publish") as settings:
        return build.publish(settings, version)


def announce(version: str) -> dict[str, Any]:
    """Say what the published version brought: incidents opened and resolved."""
    from ame_warehouse.pipeline import build

    with _writing("announce") as settings:
        return build.announce(settings, version)


def reparse() -> dict[str, Any]:
    """Make the observations of every fetch again from the landing.

    Returns what `parse_landing` returns (of all sources), and `fetches`: how many were read. The old
    observations are moved aside and come back when anything fails.
    """
    from ame_warehouse.landing import store
    from ame_warehouse.pipeline import ingest, ingest_af

    with _writing("reparse") as settings, _set_aside(settings.observations):
        of_kolada = store.fetch_ids(settings.landing)
        of_af = store.fetch_ids(settings.landing, "arbetsformedlingen")
        total = Counter(ingest.parse_landing(settings, of_kolada))
        total.update(ingest_af.parse_af(settings, of_af))
        return {"fetches": len(of_kolada) + len(of_af), **total}


def make_atlas(version: str) -> dict[str, Any]:
    """Make the atlas of what is published; a failure is an incident (`atlas_made`), the run goes on.

    `version` is the one just published. Returns what `atlas.step.make` returns.
    """
    from ame_warehouse.alerts import tell as alerts
    from ame_warehouse.atlas import step

    with _writing("make_atlas") as settings:
        outcome = step.make(settings)
        if outcome["incidents"]:
            alerts.tell(settings)
        return {"published": version, **outcome}


@contextmanager
def _set_aside(path: Path) -> Iterator[None]:
    """Move a directory away for the block; remove it afterwards, or bring it back when the block fails."""
    aside = path.with_name(f".{path.name}.aside")
    if aside.exists():  # an earlier attempt was killed: what it set aside is the whole
        shutil.rmtree(path, ignore_errors=True)
    elif path.exists():
        path.rename(aside)
    try:
        yield
    except BaseException:
        if aside.exists():
            shutil.rmtree(path, ignore_errors=True)
            aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def tidy() -> dict[str, Any]:
    """Remove what no rule keeps and pack what is old; see `housekeeping.clean` for what is returned."""
    from ame_warehouse.pipeline import housekeeping

    with _writing("tidy") as settings:
        return housekeeping.clean(settings)


def watch() -> dict[str, Any]:
    """Check that the published version is fresh and that the sources have not fallen silent."""
    from ame_warehouse.pipeline import watchdog

    with _writing("watch") as settings:
        return watchdog.watch(settings)
