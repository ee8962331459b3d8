"""The build, step by step: plan, check the landing, dbt, check the marts, publish, announce.

Each step may run in a process of its own: what the steps tell each other stands in
`AME_HOME/build/<version>.results.json`, beside the candidate `<version>.duckdb`. A step that is repeated
replaces what it did before.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.alerts import tell as alerts
from ame_warehouse.atlas import step as atlas
from ame_warehouse.builder import dbt_runner, fingerprint
from ame_warehouse.dictionary.table import write_dictionary
from ame_warehouse.errors import BuildError, PublishError, SeedError, SettingsError
from ame_warehouse.history import backfill_log, changes, changes_page
from ame_warehouse.landing.clock import VERSION_TIME, later_than
from ame_warehouse.pipeline import housekeeping, progress, publication
from ame_warehouse.publish import manifest as manifests
from ame_warehouse.publish import publisher, rollback
from ame_warehouse.quality import register
from ame_warehouse.quality import results as checks
from ame_warehouse.quality.backfill_table import write_backfills
from ame_warehouse.quality.incident import Recorded
from ame_warehouse.quality.incident_table import write_incidents
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.quality.results import CheckResult, RunState, Stage
from ame_warehouse.serve import step as serving
from ame_warehouse.settings import Settings

log = logging.getLogger(__name__)


def candidate_path(settings: Settings, version: str) -> Path:
    """Return the private DuckDB file of a build."""
    return settings.build / f"{version}.duckdb"


def state_path(settings: Settings, version: str) -> Path:
    """Return the file in which the steps of a build keep their results."""
    return settings.build / f"{version}.results.json"


def refuse_other_sources(settings: Settings) -> None:
    """Raise `SettingsError` when what is published is of the other sources (`sample`, `live`)."""
    published = manifests.read_manifest(settings) or {}
    mode = published.get("mode")
    if mode not in (None, settings.sources):
        raise SettingsError(
            f"what is published here was made from AME_SOURCES={mode}, not {settings.sources}",
            expected=f"AME_SOURCES={mode}, or a directory of its own for {settings.sources} (AME_HOME)",
            found=f"AME_SOURCES={settings.sources}",
            source=str(manifests.manifest_path(settings)),
            action=f"correct AME_SOURCES or AME_HOME; to replace what readers see by {settings.sources} "
            "figures: `ame run --switch-sources` (in Airflow the param switch_sources of build_warehouse)",
        )


def plan_build(
    settings: Settings,
    full_refresh: bool = False,
    as_of: str | None = None,
    switch_sources: bool = False,
) -> dict[str, Any]:
    """Say whether a build is needed, and open its state.

    Returns `{"needed", "version", "fingerprint", "reason"}`. When nothing has changed, only the newest
    fetches in the manifest are brought up to date, and `version` is the published one. A version that was put
    back by hand stays until there is new input.
    Raises `LandingError` when the observations cannot be read, `SettingsError` when the published version is
    of the other sources and `switch_sources` does not say that it is to be replaced.
    """
    if not switch_sources:
        refuse_other_sources(settings)
    parts = fingerprint.parts(settings, as_of)
    mark = fingerprint.combine(parts)
    published = manifests.read_manifest(settings)
    held = rollback.holds(published, parts) if published and not full_refresh else None
    if published and held and rollback.repair(settings, published):
        serving.catch_up(settings, published)
        atlas.make(settings)
        return {"needed": False, "version": published["version"], "fingerprint": mark, "reason": held}
    reason = _reason(settings, published, parts, mark, full_refresh)
    if published and reason is None:
        manifests.refresh_sources(settings)
        backfill_log.write(settings, backfill_log.settled(settings, published["version"]))
        serving.catch_up(settings, published)
        changes_page.after_publication(settings, published["version"])
        atlas.make(settings)
        alerts.tell(settings)
        return {
            "needed": False,
            "version": published["version"],
            "fingerprint": mark,
            "reason": "nothing has changed since the published version",
        }
    now = _next_moment(settings, published)
    version = f"{now:{VERSION_TIME}}-{mark[:8]}"
    _make_room(settings)
    state = RunState(version)
    state.notes = {
        "fingerprint": mark,
        "built_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "as_of": as_of,
        "mode": settings.sources,
        **{f"part.{name}": value for name, value in parts.items()},
    }
    state.save(state_path(settings, version))
    return {"needed": True, "version": version, "fingerprint": mark, "reason": reason}


def check_landing(settings: Settings, version: str) -> dict[str, Any]:
    """Check what has landed, before dbt uses it; raises `CheckFailedError` for severity `error`."""
    return _run_expectations(settings, version, "landing")


def run_dbt(settings: Settings, version: str) -> dict[str, Any]:
    """Build the candidate and run dbt's tests.

    Returns the number of nodes by status. Raises `BuildError` when a model cannot be built and
    `CheckFailedError` when a test of severity `error` did not pass; the published version is marked stale.
    """
    state = _state(settings, version)
    candidate = candidate_path(settings, version)
    try:
        run = dbt_runner.run_dbt(
            settings,
            candidate,
            as_of=state.notes.get("as_of"),
            on_node=lambda _name, done, total: progress.advanced("run_dbt", done, total),
        )
    except BuildError as exc:
        failure = _dbt_build(settings, "errored", found=exc.found or exc.message, action=exc.action)
        state.stages["dbt"] = [failure]
        state.save(state_path(settings, version))
        _refused(settings, state, f"the build failed: {exc.message}")
        raise
    built = sum(1 for node in run.nodes if node.kind != "test")
    state.stages["dbt"] = [_dbt_build(settings, "passed", f"{built} seeds and models built"), *run.checks]
    _conclude(settings, state)
    return {"nodes": run.count(), **_counts(state.stages["dbt"])}


def check_marts(settings: Settings, version: str) -> dict[str, Any]:
    """Check the candidate's marts; raises `CheckFailedError` for severity `error`."""
    return _run_expectations(settings, version, "marts")


def publish(settings: Settings, version: str) -> dict[str, Any]:
    """Write the results and incidents into the candidate and publish it.

    Returns `{"version", "tables", "rows", "incidents": {…}}`. Raises `PublishError`, with the published
    version as it was, when the copy differs or when disk or permissions do not allow it.
    """
    state = _state(settings, version)
    missing = [stage for stage in checks.STAGES if stage not in state.stages]
    if missing:
        raise PublishError(
            "the candidate has not been checked",
            expected="results of all stages: " + ", ".join(checks.STAGES),
            found="none for " + ", ".join(missing),
            source=str(state_path(settings, version)),
            action="run the whole build again (`ame run`)",
        )
    try:
        return _publish(settings, state)
    except PublishError as exc:
        mark_stale(settings, f"the publication failed: {exc.message}")  # first: it needs least room
        publication.failed(settings, version, exc)
        alerts.tell(settings)
        raise


def _publish(settings: Settings, state: RunState) -> dict[str, Any]:
    version = state.version
    candidate = candidate_path(settings, version)
    checks.gate(state.results, candidate=candidate)
    store = IncidentStore(settings)
    recorded = store.record(state.results, version, checks.now_text())
    changed = changes.collect(settings, version, candidate, state.notes.get("built_at") or "")
    settled = backfill_log.settled(settings, version, state.notes.get("built_at"), candidate)
    try:
        with duckdb.connect(str(candidate)) as con:
            changes.write(con, settings, changed)
            checks.tidy_failing_tables(con, state.results)
            checks.write_check_results(con, version, state.results)
            write_incidents(con, publication.as_published(store.incidents()))
            write_backfills(con, backfill_log.merged(settings, settled))
            write_dictionary(con, settings)
    except SeedError as exc:  # a column that the dictionary does not describe
        said = {name: getattr(exc, name) for name in ("expected", "found", "source", "action")}
        raise PublishError(exc.message, **said) from exc
    except duckdb.Error as exc:
        raise PublishError(
            "the results of the checks cannot be written into the candidate",
            found=str(exc).splitlines()[0],
            source=str(candidate),
            action="check free space and permissions of AME_HOME/build, then run `ame run` again",
        ) from exc
    body = publisher.publish(settings, _publication(state, candidate))
    backfill_log.write(settings, settled)
    published = publication.succeeded(settings, version)
    served = serving.serve(settings, body)
    _note_incidents(state, recorded, published, served.recorded)
    state.save(state_path(settings, version))
    return {
        "version": version,
        "postgres": served.as_dict(),
        "tables": len(body["tables"]),
        "rows": sum(body["row_counts"].values()),
        "incidents": {
            "opened": recorded.opened,
            "reopened": recorded.reopened,
            "seen": recorded.seen,
            "resolved": [*recorded.resolved, *published.resolved],
        },
    }


def announce(settings: Settings, version: str) -> dict[str, Any]:
    """Write what the published version brought to the log, and return it.

    Returns `{"version", "checks": {status: n}, "opened": [...], "resolved": [...], "open": n}`.
    """
    state = RunState.load(state_path(settings, version))
    store = IncidentStore(settings)
    still_open = store.incidents(open_only=True)
    opened = (state.notes.get("incidents.opened") or "").split()
    resolved = (state.notes.get("incidents.resolved") or "").split()
    log.info("published %s: %s", version, _counts(state.results))
    for incident in still_open:
        new = "new " if incident.incident_id in opened else ""
        log.log(
            logging.ERROR if incident.severity == "error" else logging.WARNING,
            "%sincident %s (%s, %s): %s Do: %s",
            new,
            incident.incident_id,
            incident.severity,
            incident.owner,
            incident.summary,
            incident.action,
        )
    if resolved:
        log.info("resolved: %s", ", ".join(resolved))
    changes_page.after_publication(settings, version)
    alerts.tell(settings)
    return {
        "version": version,
        "checks": _counts(state.results),
        "opened": opened,
        "resolved": resolved,
        "open": len(still_open),
    }


def _state(settings: Settings, version: str) -> RunState:
    """Return the state of a build that goes on; raise `BuildError` when a newer version has overtaken it."""
    state = RunState.load(state_path(settings, version))
    newest = rollback.newest(settings)
    if newest is not None and version < newest:
        raise BuildError(
            "a newer version has been published since this build was begun; nothing is changed",
            expected=f"no version newer than {version}",
            found=newest,
            source=str(manifests.manifest_path(settings)),
            action="leave this run of the DAG as it is, and start a new one",
        )
    return state


def _next_moment(settings: Settings, published: dict[str, Any] | None) -> datetime:
    """Return the time of a version that is built now: later than all that are kept, if the clock is not."""
    names = [path.name for path in rollback.versions_folder(settings).glob("*")]
    moment, behind = later_than(
        [*names, (published or {}).get("version", "")], VERSION_TIME, timedelta(seconds=1)
    )
    if behind is not None and behind > timedelta(seconds=1):
        log.warning("the clock is %.0f s behind the newest version", behind.total_seconds())
    return moment


def _reason(
    settings: Settings,
    published: dict[str, Any] | None,
    parts: dict[str, str],
    mark: str,
    full_refresh: bool,
) -> str | None:
    """Return why a build is needed, None when it is not."""
    if published is None:
        return "nothing is published yet"
    if full_refresh:
        return "a full refresh was asked for"
    if published.get("fingerprint") != mark:
        before = published.get("fingerprint_parts") or {}
        changed = [name for name, value in parts.items() if before.get(name) != value]
        return "changed since the published version: " + (", ".join(changed) or "everything")
    if not publisher.is_intact(settings):
        return "the published files are not as the manifest says; they are made again"
    return None


def _run_expectations(settings: Settings, version: str, stage: Stage) -> dict[str, Any]:
    from ame_warehouse.quality import gx_runner

    state = _state(settings, version)
    state.stages[stage] = gx_runner.run_stage(
        settings,
        stage,
        candidate_path(settings, version),
        run_name=version,
        as_of=state.notes.get("as_of"),
        on_suite=lambda done, total: progress.advanced(f"check_{stage}", done, total),
    )
    _conclude(settings, state)
    return _counts(state.stages[stage])


def _conclude(settings: Settings, state: RunState) -> None:
    """Keep the results; when one of them stops the publication, record the incidents and raise."""
    state.save(state_path(settings, state.version))
    bad = checks.stopping(state.results)
    if bad:
        _refused(settings, state, "checks did not pass: " + ", ".join(r.check_id for r in bad))
    checks.gate(state.results, candidate=candidate_path(settings, state.version))


def _refused(settings: Settings, state: RunState, reason: str) -> None:
    """A candidate that is not published: incidents are recorded, readers are told that theirs is stale."""
    recorded = IncidentStore(settings).record(state.results, state.version, checks.now_text())
    _note_incidents(state, recorded)
    state.save(state_path(settings, state.version))
    mark_stale(settings, f"the newer version {state.version} was not published, {reason}")
    alerts.tell(settings)


def mark_stale(settings: Settings, reason: str) -> None:
    """Tell readers that what is published is not up to date; a fault in doing so is only logged."""
    try:
        manifests.mark_stale(settings, reason, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    except PublishError as exc:  # the reason itself is what the reader must see
        log.warning("the manifest could not be marked stale: %s", exc)


def _note_incidents(state: RunState, *recorded: Recorded) -> None:
    state.notes["incidents.opened"] = " ".join(i for part in recorded for i in (*part.opened, *part.reopened))
    state.notes["incidents.resolved"] = " ".join(i for part in recorded for i in part.resolved)


def _publication(state: RunState, candidate: Path) -> publisher.Publication:
    prefix = "part."
    return publisher.Publication(
        version=state.version,
        fingerprint=state.notes.get("fingerprint") or "",
        fingerprint_parts={
            name.removeprefix(prefix): value or ""
            for name, value in state.notes.items()
            if name.startswith(prefix)
        },
        candidate=candidate,
        built_at=state.notes.get("built_at") or "",
        as_of_asked=state.notes.get("as_of"),
    )


def _counts(results: list[CheckResult]) -> dict[str, int]:
    """Return the number of results by what they mean for the reader."""
    return {
        "checks": len(results),
        "passed": sum(1 for r in results if r.success),
        "warnings": sum(1 for r in results if not r.success and r.severity == "warning"),
        "errors": sum(1 for r in results if r.stops_publication),
        "broken": sum(1 for r in results if r.status == "errored"),
    }


def _dbt_build(
    settings: Settings, status: checks.Status, found: str, action: str | None = None
) -> CheckResult:
    entry = register.load(settings).entry("dbt_build")
    return entry.result(status=status, found=found, action=action)


def _make_room(settings: Settings) -> None:
    """Make the work space and remove candidates of earlier builds but the newest two."""
    try:
        settings.build.mkdir(parents=True, exist_ok=True)
        for path in housekeeping.old_candidates(settings):
            path.unlink(missing_ok=True)
    except OSError as exc:
        raise BuildError(
            "the work space of the build cannot be used",
            expected="a directory that this user may write",
            found=f"{type(exc).__name__}: {exc.strerror or exc}",
            source=str(settings.build),
            action="correct the permissions or free space, then run `ame run` again",
        ) from exc
