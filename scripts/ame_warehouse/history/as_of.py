"""The marts as they were known at the end of a day, in a DuckDB file of their own.

dbt reads a snapshot of the observations (hard links), works in AME_HOME/as_of/.work and is told `ame_as_of`.
Nothing of the pipeline's own is written: no published file, no candidate, no result, no incident.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.builder import dbt_runner
from ame_warehouse.builder.fingerprint import observation_files
from ame_warehouse.dictionary.table import write_dictionary
from ame_warehouse.errors import AmeError, BuildError, BusyError, PublishError, SettingsError
from ame_warehouse.history import changes
from ame_warehouse.history.days import end_of
from ame_warehouse.landing import compact
from ame_warehouse.pipeline import locks, progress
from ame_warehouse.pipeline.faults import readable
from ame_warehouse.publish import manifest as manifests
from ame_warehouse.publish import publisher
from ame_warehouse.quality import explained_gaps, releases
from ame_warehouse.quality import results as checks
from ame_warehouse.quality.backfill_table import write_backfills
from ame_warehouse.quality.incident_table import write_incidents
from ame_warehouse.settings import Settings

STEP = "as_of"


def folder(settings: Settings) -> Path:
    """Return where the files go when no other place is named."""
    return settings.home / "as_of"


def build(
    settings: Settings, day: date, out: Path | None = None, *, is_tested: bool = False
) -> dict[str, Any]:
    """Build the marts as of the end of `day` (UTC) and return what was written.

    The models are those that each publication tests; `is_tested` runs dbt's data tests on this state too.

    Returns {"as_of", "file", "bytes", "tables": {name: rows}, "rows", "sources", "checks": {status: n},
    "failed_checks": [ids]}. Raises `AmeError` when nothing was known then, `SettingsError` for a place that
    is the pipeline's own, `BuildError` when a model could not be built.
    """
    moment = end_of(day)
    sources = _known(settings, moment, day)
    target = _target(settings, day, out)
    lock = settings.home / ".locks" / "as_of.lock"
    with locks.hold(lock, "ame as-of", wait_seconds=600, busy_action="wait until it has finished"):
        work = folder(settings) / ".work"
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        progress.started(STEP)
        try:
            snapshot = _snapshot(settings, work)
            target.parent.mkdir(parents=True, exist_ok=True)
            run = _candidate(settings, snapshot, work, moment, is_tested)
            name = f"as-of-{day.isoformat()}"
            with duckdb.connect(str(work / "candidate.duckdb")) as con:
                checks.tidy_failing_tables(con, run.checks)
                checks.write_check_results(con, name, run.checks)
                write_incidents(con, [])
                changes.write(con, settings, None)
                write_backfills(con, [])
                write_dictionary(con, settings)
            tables = _write(settings, work / "candidate.duckdb", partial)
            partial.replace(target)
        except BaseException as exc:
            progress.failed(STEP, exc)
            known = readable(exc, target) if isinstance(exc, OSError) else None
            if known is not None:
                raise known from exc
            raise
        finally:
            _tidy(work, partial)
        progress.finished(STEP, {"file": str(target)})
    return {
        "as_of": moment[:19] + "Z",
        "file": str(target),
        "bytes": target.stat().st_size,
        "rows": sum(tables.values()),
        "tables": tables,
        "sources": sources,
        "checks": dict(sorted(Counter(check.status for check in run.checks).items())),
        "failed_checks": [check.check_id for check in run.checks if not check.success],
    }


def _known(settings: Settings, moment: str, day: date) -> dict[str, Any]:
    """Return the sources as they were known; raise when nothing was."""
    sources = manifests.sources(settings, moment)
    if sources:
        return sources
    first = _first_day(settings)
    raise AmeError(
        f"nothing was known on {day.isoformat()}",
        expected=f"{first} or later, the first day from which a fetch is kept"
        if first
        else "at least one fetch in AME_HOME/landing",
        found=day.isoformat(),
        source=str(settings.observations),
        action="choose a later day" if first else "run `ame run` first",
    )


def _first_day(settings: Settings) -> str | None:
    """Return the day of the oldest knowledge of this mode."""
    found: list[str] = []
    with duckdb.connect() as con:
        for name, source in (("measures", "kolada"), ("files", "arbetsformedlingen")):
            files = observation_files(settings, name, source)
            if files is not None:
                row = con.execute(
                    "select cast(min(fetched_at)::date as varchar) from "
                    "read_parquet($files, union_by_name = true, hive_partitioning = false) "
                    "where mode = $mode",
                    {"files": files, "mode": settings.sources},
                ).fetchone()
                found += [str(row[0])] if row and row[0] else []
    return min(found, default=None)


def _target(settings: Settings, day: date, out: Path | None) -> Path:
    target = out.resolve() if out else folder(settings) / f"{day.isoformat()}.duckdb"
    other = target.exists() and not publisher.is_duckdb(target)
    if other or settings.is_own(target):
        raise SettingsError(
            "the marts as of a day cannot be written there",
            expected="a file outside the pipeline's own directories; only a DuckDB file is replaced",
            found=f"{target}, which is there and is no DuckDB file" if other else str(target),
            source="--out",
            action="leave --out out, or name a file elsewhere",
        )
    return target


def _snapshot(settings: Settings, work: Path) -> Settings:
    """Return settings whose observations are hard links to those of this moment.

    A run that lands something new meanwhile, or reads the landing again, does not disturb dbt.
    """
    aside = settings.observations.with_name(f".{settings.observations.name}.aside")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    home = work / "home"
    busy = aside.exists() or compact.is_under_way(settings)
    if not busy:
        try:
            before = _parsed(settings)
            shutil.copytree(settings.observations, home / "observations", copy_function=_link)
            busy = not before <= _parsed(settings)  # read again or merged, whole, while it was linked
        except (FileNotFoundError, shutil.Error):  # moved aside or removed while it was linked
            busy = True
    if busy or aside.exists() or compact.is_under_way(settings):
        raise BusyError(
            "the observations are being made again",
            expected="no `ame reparse` and no housekeeping at the same time",
            found=str(settings.observations),
            action="wait until it has finished, or run `ame reparse` again when it was interrupted",
        )
    found = Settings(**{**settings.model_dump(), "home": home})
    for store in (explained_gaps.store_path, releases.store_path):
        if store(settings).exists():
            found.quality.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(store(settings), store(found))
    return found


def _parsed(settings: Settings) -> set[tuple[str, int]]:
    """Return the directories of parsed fetches with their inodes: one that was replaced is another."""
    return {(str(path), path.stat().st_ino) for path in settings.observations.glob("source=*/fetch=*")}


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # no hard links here
        shutil.copyfile(source, target)


def _candidate(
    settings: Settings, snapshot: Settings, work: Path, moment: str, is_tested: bool
) -> dbt_runner.DbtRun:
    """Let dbt build; a check that does not hold is told, but must not leave a mart out."""
    run = dbt_runner.run_dbt(
        snapshot,
        work / "candidate.duckdb",
        as_of=moment,
        project=settings.dbt_project,
        work=work,
        is_tested=is_tested,
        on_node=lambda _name, done, total: progress.advanced(STEP, done, total),
    )
    skipped = [node.name for node in run.nodes if node.kind != "test" and node.status == "skipped"]
    if skipped:
        errors = [check.check_id for check in run.checks if check.stops_publication]
        raise BuildError(
            "a check of severity error did not pass, and the marts behind it were not built",
            expected="the same checks hold as for a publication",
            found=", ".join(errors[:5]) + f"; not built: {', '.join(skipped[:5])}",
            source=str(dbt_runner.log_file(work)),
            action="read the log; without --check the marts are built all the same",
        )
    return run


def _write(settings: Settings, candidate: Path, partial: Path) -> dict[str, int]:
    """Write the file; an error of the disk is told as one of this file, not of a publication."""
    try:
        return publisher.write_file(settings, candidate, partial)
    except PublishError as exc:
        raise BuildError(
            "the marts as of that day could not be written; what is published is untouched",
            expected="free space and permission to write there",
            found=exc.found,
            source=exc.source,
            action="free space, correct the permissions or name another --out, then try again",
        ) from exc


def _tidy(work: Path, partial: Path) -> None:
    """Remove what is large; dbt's log stays for whoever wants to read it."""
    for path in (partial, partial.with_name(partial.name + ".wal")):
        path.unlink(missing_ok=True)
    for path in work.glob("candidate.duckdb*"):
        path.unlink(missing_ok=True)
    for path in (work / "home", work / "target"):
        shutil.rmtree(path, ignore_errors=True)
