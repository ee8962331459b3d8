"""Good and bad days for the checks of the run itself: what makes each of them open an incident."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import duckdb
from tests.unit import tiny_project

from ame_warehouse.alerts import notifier, tell
from ame_warehouse.alerts.message import Message
from ame_warehouse.alerts.outbox import FAILURES, Outbox
from ame_warehouse.alerts.routes import usable
from ame_warehouse.atlas import build as atlas_build
from ame_warehouse.atlas import step as atlas_step
from ame_warehouse.builder import dbt_runner
from ame_warehouse.errors import (
    AmeError,
    BuildError,
    CopyDiffersError,
    LandingError,
    PublishError,
    SourceError,
)
from ame_warehouse.landing.store import FetchWriter, new_fetch_id
from ame_warehouse.pipeline import build, publication, sources, watchdog
from ame_warehouse.serve import step
from ame_warehouse.settings import PROJECT_ROOT, Settings

NOW = datetime(2026, 3, 20, 6, 30, tzinfo=UTC)
NOWHERE = "127.0.0.1:1"
Day = Callable[[Settings], object]


def _fetched(error: AmeError | None) -> Day:
    def day(settings: Settings) -> None:
        with suppress(AmeError), sources.fetched(settings, "kolada"):
            if error:
                raise error

    return day


def _parsed(error: AmeError | None) -> Day:
    def day(settings: Settings) -> None:
        with suppress(AmeError), sources.parsed(settings, "kolada"):
            if error:
                raise error

    return day


def _task(*, failed: bool) -> Day:
    def day(settings: Settings) -> None:
        with mock.patch.dict(os.environ, {"AME_HOME": str(settings.home), "AME_ALERT_URLS": ""}):
            error = RuntimeError("killed") if failed else None
            notifier.record("build_warehouse", "publish", error, failed=failed)

    return day


def _served(dsn: str) -> Day:
    return lambda settings: step.serve(settings.model_copy(update={"serve_dsn": dsn}), {"version": "v1"})


def _routes(urls: str) -> Day:
    return lambda settings: tell.tell(settings.model_copy(update={"alert_urls": urls}), NOW)


def _delivery(*, fails: bool) -> Day:
    def day(settings: Settings) -> None:
        own = settings.model_copy(update={"alert_urls": f"json://{NOWHERE}/hook"})
        outbox, (route,) = Outbox(own), usable(own)[0]
        if fails:
            outbox.put([(route.name, Message("subject", "text", "html", "warning"))], {}, NOW)
            for _ in range(FAILURES):
                outbox.failed(1, "refused", NOW)
        tell.tell(own, NOW)

    return day


def _watch(*, alive: bool, harmed: bool = False) -> Day:
    def day(settings: Settings) -> None:
        if alive:
            newest = {source: _landed(settings, source) for source in watchdog.SILENCE_LIMITS}
            newest = {source: {"newest_fetch": fetch} for source, fetch in newest.items()}
            body = {"version": "v1", "sources": newest, "stale": False, "files": {}}
            if harmed:
                body["files"] = {"parquet/marts/costs.parquet": {"bytes": 1}}
            settings.published.mkdir(parents=True)
            (settings.published / "manifest.json").write_text(json.dumps(body))
        watchdog.watch(settings, NOW)

    return day


def _due(day: str) -> Day:
    def watch(settings: Settings) -> None:
        settings.published.mkdir(parents=True)
        with duckdb.connect(str(settings.published / "warehouse.duckdb")) as con:
            con.execute("create schema quality")
            con.execute(
                "create table quality.freshness as select 'kolada' as source, 'kas' as series_id, "
                f"'2025' as next_period, date '{day}' as expected_by"
            )
        watchdog.watch(settings, NOW)

    return watch


def _landed(settings: Settings, source: str) -> str:
    when = NOW - timedelta(hours=5)
    fetch_id = new_fetch_id(when)
    measures = [{"kpi_id": "U40800", "outcome": "complete"}]
    FetchWriter(settings.landing, fetch_id, source).finish(
        {"fetch_id": fetch_id, "mode": "sample", "finished_at": when.isoformat(), "measures": measures}
    )
    return fetch_id


@dataclass
class _Made:
    version: str = "v1"
    is_made: bool = True


def _atlas(*, fails: bool) -> Day:
    def day(settings: Settings) -> None:
        fault = ValueError("a page with a fault") if fails else None
        with mock.patch.object(atlas_build, "make", side_effect=fault) as make:
            make.return_value = _Made()
            atlas_step.make(settings)

    return day


def _dbt(*, builds: bool) -> Day:
    def day(settings: Settings) -> None:
        own = tiny_project.make(settings.home.parent / "tiny").model_copy(update={"home": settings.home})
        tiny_project.land(own, "f1", 300.0)
        version = str(build.plan_build(own)["version"])
        error = BuildError("dbt could not build the model x", found="no such column")
        does = {"side_effect": tiny_project.build_without_dbt} if builds else {"side_effect": error}
        with mock.patch.object(dbt_runner, "run_dbt", **does), suppress(AmeError):
            build.run_dbt(own, version)

    return day


# check → (a day on which it must stay quiet, a day on which it must open an incident)
DAYS: dict[str, tuple[Day, Day]] = {
    "dbt_build": (_dbt(builds=True), _dbt(builds=False)),
    "source_fetched_*": (_fetched(None), _fetched(SourceError("away"))),
    "source_parsed_*": (_parsed(None), _parsed(LandingError("damaged"))),
    "task_failed_*": (_task(failed=False), _task(failed=True)),
    "publication": (
        lambda settings: publication.succeeded(settings, "v1"),
        lambda settings: publication.failed(settings, "v1", PublishError("no space")),
    ),
    "published_copy": (
        lambda settings: publication.succeeded(settings, "v1"),
        lambda settings: publication.failed(settings, "v1", CopyDiffersError("marts.costs differs")),
    ),
    "postgres_publication": (_served(""), _served(f"postgresql://{NOWHERE}/nobody")),
    "atlas_made": (_atlas(fails=False), _atlas(fails=True)),
    "alert_routes_usable": (_routes(""), _routes("mailto//forgot-the-colon")),
    "alert_delivery_*": (_delivery(fails=False), _delivery(fails=True)),
    "watch_source_silent_*": (_watch(alive=True), _watch(alive=False)),
    "watch_nothing_runs": (_watch(alive=True), _watch(alive=False)),
    "watch_published_stale": (_watch(alive=True), _watch(alive=False)),
    "watch_source_overdue_*": (_due("2026-03-20"), _due("2026-03-19")),
    "watch_published_intact": (_watch(alive=True), _watch(alive=True, harmed=True)),
}


def settings_in(folder: os.PathLike[str] | str) -> Settings:
    """Return settings with a home of their own in `folder`."""
    return Settings(_env_file=None, home=Path(folder) / "home", project=PROJECT_ROOT)
