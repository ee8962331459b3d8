"""`ame run`: the DAGs in asset order, in this process, without a server."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from ame_warehouse.errors import AmeError, SourceError
from ame_warehouse.pipeline import airflow_home, locks, progress
from ame_warehouse.pipeline.faults import readable
from ame_warehouse.settings import Settings

if TYPE_CHECKING:
    from ame_warehouse.pipeline.display import Display

PREPARE_STEP = "prepare_airflow"
INTERRUPTED = "ame: interrupted; nothing half-written is used, what is published is untouched"
DAMAGED_DATABASE = ("file is not a database", "database disk image is malformed")  # what SQLite says
SUPPORTING = "supporting"  # tag of a DAG whose source the others can do without


@dataclass(frozen=True)
class RunOptions:
    """What one run asks for; None means everything in scope."""

    measures: list[str] | None = None
    municipalities: list[str] | None = None
    years: list[int] | None = None
    full_refresh: bool = False
    switch_sources: bool = False
    reason: str | None = None
    requested_by: str | None = None
    resume: str | None = None

    def conf(self) -> dict[str, Any]:
        """Return the options as the params of the DAGs."""
        return {
            "measures": self.measures,
            "municipalities": self.municipalities,
            "years": self.years,
            "full_refresh": self.full_refresh,
            "switch_sources": self.switch_sources,
            "reason": self.reason,
            "requested_by": self.requested_by,
            "resume": self.resume,
        }


@dataclass
class StepRecorder:
    """Remembers what the steps returned and the first error."""

    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed_step: str | None = None
    error: BaseException | None = None
    unfetched: dict[str, str] = field(default_factory=dict)

    def set_aside(self, dag_id: str) -> None:
        """Keep the error of a supporting source for the summary, and go on."""
        self.unfetched[dag_id] = (
            str(self.error)
            if isinstance(self.error, AmeError)
            else str(_unexpected(self.failed_step or dag_id, self.error))
        )
        self.failed_step = self.error = None

    def started(self, step: str) -> None:
        """Nothing to remember."""

    def advanced(self, step: str, done: int, total: int | None) -> None:
        """Nothing to remember."""

    def finished(self, step: str, result: dict[str, Any]) -> None:
        """Remember the result."""
        self.results[step] = result

    def failed(self, step: str, error: BaseException) -> None:
        """Remember the first error."""
        if self.error is None:
            self.failed_step, self.error = step, error


def run(settings: Settings, options: RunOptions, display_factory: type[Display]) -> dict[str, Any]:
    """Run the chain once and return the result of every step by its name, and the path of the log.

    Raises `SettingsError` at once for a wish that cannot be met, `BusyError` when a run is going on in this
    AME_HOME, and the `AmeError` of the step that failed; what was published before is then untouched.
    """
    _check_wishes(settings, options)
    airflow_home.make_directories(settings)
    with locks.exclusive_run(settings, "ame run"):
        log_path = _log_path(settings)
        os.environ.update(airflow_home.environment(settings))
        recorder = StepRecorder()
        with _output_to(log_path) as terminal:
            display = display_factory(terminal)
            with (
                display,
                _ending_at_once(terminal) as ending,
                progress.watched_by(ending),
                progress.watched_by(display),
                progress.watched_by(recorder),
            ):
                try:
                    _run_chain(settings, options, recorder)
                except AmeError as error:
                    error.add_note(f"log: {log_path}")
                    raise
        return {"steps": recorder.results, "unfetched": recorder.unfetched, "log": str(log_path)}


def _check_wishes(settings: Settings, options: RunOptions) -> None:
    """Raise `SettingsError` for unknown measures, places or years, and for sources that are not to be mixed.

    The steps check the same; here it is said before Airflow starts and before anything is fetched.
    """
    from ame_warehouse.pipeline import build, ingest

    ingest.chosen_kpis(settings, options.measures)
    ingest.chosen_places(settings, options.municipalities)
    ingest.chosen_years(options.years)
    if not options.switch_sources:
        build.refuse_other_sources(settings)


def _log_path(settings: Settings) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return settings.airflow_home / "logs" / f"ame-run-{stamp}-{os.getpid()}.log"


@contextlib.contextmanager
def _output_to(log_path: Path) -> Iterator[TextIO]:
    """Send everything that this process and its children print to `log_path`; yield the real stderr."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = (os.dup(1), os.dup(2))
    try:
        try:
            log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise readable(exc, log_path) or exc from exc
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        with os.fdopen(os.dup(kept[1]), "w", encoding="utf-8", errors="replace") as terminal:
            yield terminal
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in kept:
            os.close(descriptor)


class _Ending:
    """Ends this process at once on Ctrl-C or SIGTERM.

    Airflow and dbt catch both and go on, or call it a failed build. Every step is made so that a process that
    is killed leaves nothing half-written in use: ending at once is the honest answer.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def install(self) -> None:
        """Take both signals; only the main thread may."""
        if threading.current_thread() is threading.main_thread():
            for number in self._before:
                signal.signal(number, self._end)

    def restore(self) -> None:
        """Give both signals back."""
        if threading.current_thread() is threading.main_thread():
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        show_cursor = "\n\x1b[?25h" if self._terminal.isatty() else ""
        os.write(self._terminal.fileno(), f"{show_cursor}{INTERRUPTED}\n".encode())
        os._exit(1)

    def started(self, step: str) -> None:  # noqa: ARG002
        """Take the signals again: Airflow has taken SIGTERM for the task that begins."""
        self.install()

    def advanced(self, step: str, done: int, total: int | None) -> None:
        """Nothing to do."""

    def finished(self, step: str, result: dict[str, Any]) -> None:
        """Nothing to do."""

    def failed(self, step: str, error: BaseException) -> None:
        """Nothing to do."""


@contextlib.contextmanager
def _ending_at_once(terminal: TextIO) -> Iterator[_Ending]:
    ending = _Ending(terminal)
    ending.install()
    try:
        yield ending
    finally:
        ending.restore()


def _run_chain(settings: Settings, options: RunOptions, recorder: StepRecorder) -> None:
    """Run each DAG of the chain; raise the error of the first one that failed."""
    progress.started(PREPARE_STEP)
    try:
        airflow_home.prepare(settings)
        dags = _load(settings)
    except Exception as exc:
        error = _airflow_fault(settings, "prepare Airflow's home", recorder, exc)
        progress.failed(PREPARE_STEP, error)
        raise error from exc
    progress.finished(PREPARE_STEP, {})

    for dag in dags:
        for task in dag.tasks:
            task.retries = 0  # someone is waiting; the clients have tried again themselves
        try:
            run_of_dag = dag.test(run_conf=options.conf())
        except Exception as exc:  # Airflow could not write down how the run went
            raise _airflow_fault(settings, dag.dag_id, recorder, exc) from exc
        if str(run_of_dag.state) != "success":
            failure = recorder.error
            if SUPPORTING in dag.tags and concerns_the_source(failure):
                recorder.set_aside(dag.dag_id)  # the summary names it; the other sources go on
                continue
            if isinstance(failure, AmeError):
                raise failure
            what = recorder.failed_step or dag.dag_id
            raise _unexpected(what, failure) from failure


def concerns_the_source(failure: BaseException | None) -> bool:
    """Return whether a failure leaves the other sources usable: not a full disk, a lock or a setting."""
    return isinstance(failure, SourceError) or not isinstance(failure, AmeError)


def _airflow_fault(settings: Settings, what: str, recorder: StepRecorder, exc: Exception) -> AmeError:
    """Return the error to show when Airflow itself fell, as on a disk without room for its metadata."""
    error = readable(exc) or recorder.error
    if isinstance(error, AmeError):
        return error
    if any(text in str(exc) for text in DAMAGED_DATABASE):
        return AmeError(
            "Airflow's metadata database is damaged",
            expected="the SQLite file that Airflow made",
            found=str(exc).splitlines()[0],
            source=str(settings.airflow_home / "airflow.db"),
            action="move that file aside and run again: it is made anew, only Airflow's history of runs is "
            "lost; what is published is untouched",
        )
    return _unexpected(recorder.failed_step or what, error or exc)


def _unexpected(what: str, cause: BaseException | None) -> AmeError:
    if cause is not None:
        traceback.print_exception(cause)  # standard error is the log here
    return AmeError(
        f"{what} ended with an error that the pipeline does not know",
        found=f"{type(cause).__name__}: {cause}" if cause else f"a DAG run that is not 'success' ({what})",
        action="read the end of the log; what is published is untouched",
    )


def _load(settings: Settings) -> list[Any]:
    """Return the DAGs of the chain in the order of their assets: producers before consumers."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(airflow_home.dags_folder(settings)))
    if bag.import_errors:
        path, text = next(iter(bag.import_errors.items()))
        raise AmeError(
            "a DAG file cannot be loaded",
            expected="DAG files without import errors",
            found=text.strip().splitlines()[-1],
            source=path,
            action="correct the file, or restore it from version control",
        )
    return asset_order(list(bag.dags.values()))


def asset_order(dags: list[Any]) -> list[Any]:
    """Return the DAGs that make or follow an asset, each after those that make what it follows."""
    makes = {dag.dag_id: {a.name for task in dag.tasks for a in task.outlets} for dag in dags}
    follows = {dag.dag_id: _followed_assets(dag) for dag in dags}
    waiting = sorted((d for d in dags if makes[d.dag_id] or follows[d.dag_id]), key=lambda d: str(d.dag_id))
    ordered: list[Any] = []
    while waiting:
        made_later = {name for dag in waiting for name in makes[dag.dag_id]}
        ready = [d for d in waiting if not follows[d.dag_id] & (made_later - makes[d.dag_id])]
        if not ready:
            names = ", ".join(d.dag_id for d in waiting)
            raise AmeError(
                "the DAGs wait for each other's assets",
                found=names,
                source="dags/",
                action="correct the outlets and schedules of these DAGs",
            )
        ordered += ready
        waiting = [d for d in waiting if d not in ready]
    return ordered


def _followed_assets(dag: Any) -> set[str]:
    """Return the names of the assets on which a DAG is scheduled."""
    waiting, names = [dag.schedule], set()
    while waiting:
        condition = waiting.pop()
        if isinstance(condition, (list, tuple)):
            waiting += condition
        elif hasattr(condition, "objects"):
            waiting += condition.objects
        elif hasattr(condition, "uri"):
            names.add(condition.name)
    return names
