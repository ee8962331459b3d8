"""Run dbt once, in this process: seeds, models and data tests of the candidate (`dbt build`).

Everything that dbt writes goes to AME_HOME/build (target, log); the repository is only read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.errors import BuildError
from ame_warehouse.quality import explained_gaps, failing_rows, releases
from ame_warehouse.quality.register import Entry, Register
from ame_warehouse.quality.register import load as load_register
from ame_warehouse.quality.results import CheckResult, Status
from ame_warehouse.settings import Settings

OUTCOME_OF_DBT: dict[str, Status] = {"pass": "passed", "fail": "failed", "warn": "failed"}
# dbt's events that say "n of all", and the field that holds the number of all
PROGRESS_EVENTS = {"LogTestResult": "num_models", "LogModelResult": "total", "LogSeedResult": "total"}
NOT_BUILT = ("unit_test", "exposure", "saved_query")  # nothing to build: unit tests belong to the tests
OnNode = Callable[[str, int, int], None]


@dataclass(frozen=True)
class NodeRun:
    """One node of the project: unique_id, kind (seed, model, test …), name, dbt's status, seconds."""

    unique_id: str
    kind: str
    name: str
    status: str
    message: str
    path: str
    seconds: float


@dataclass
class DbtRun:
    """What a run of dbt did: its nodes, and its data tests as check results."""

    nodes: list[NodeRun] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)

    def count(self) -> dict[str, int]:
        """Return the number of nodes by status."""
        found: dict[str, int] = {}
        for node in self.nodes:
            found[node.status] = found.get(node.status, 0) + 1
        return found


def log_file(work: Path) -> Path:
    """Return dbt's log file in a work directory."""
    return work / "logs" / "dbt.log"


def run_dbt(
    settings: Settings,
    candidate: Path,
    *,
    as_of: str | None = None,
    project: Path | None = None,
    work: Path | None = None,
    is_tested: bool = True,
    on_node: OnNode | None = None,
) -> DbtRun:
    """Build the candidate with dbt and return what every node did.

    Args:
        settings: paths, mode, scope and memory limit.
        candidate: DuckDB file to write; other tables in it are left alone.
        as_of: UTC time as ISO text; only what was known then is used. None = everything.
        project: directory of the dbt project, with `profiles.yml`.
        work: directory for dbt's target and logs; AME_HOME/build when nothing else is said.
        is_tested: run the data tests too; False = only seeds and models.
        on_node: called after each node with its name, the number done, and the number of all.

    Raises `BuildError` when the project cannot be read or a seed or model could not be built. A data test
    that does not pass is no exception here: see `DbtRun.checks`.
    """
    project = project or settings.dbt_project
    work = work or settings.build
    log = log_file(work)
    _read_seeds(project)
    for path in (work, settings.observations):
        path.mkdir(parents=True, exist_ok=True)
    variables = {
        "ame_mode": settings.sources,
        "ame_as_of": as_of or "",
        "ame_today": explained_gaps.build_day(as_of).isoformat(),
        "ame_scope": settings.municipality_scope,
    }
    arguments = [
        "--quiet",
        "--log-level",
        "none",
        "--log-level-file",
        "info",
        "--log-path",
        str(log.parent),
        "--no-send-anonymous-usage-stats",
        "--no-version-check",
        "build",
        *(word for kind in NOT_BUILT for word in ("--exclude-resource-type", kind)),
        *([] if is_tested else ["--exclude-resource-type", "test"]),
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        "--target-path",
        str(work / "target"),
        "--vars",
        json.dumps(variables),
    ]
    environment = {
        "AME_OBSERVATIONS": str(settings.observations),
        "AME_ACKNOWLEDGED_GAPS": str(explained_gaps.store_path(settings)),
        "AME_RELEASES": str(releases.store_path(settings)),
        "AME_BUILD_FILE": str(candidate),
        "AME_MEMORY_LIMIT": settings.memory_limit,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
        "DO_NOT_TRACK": "1",
    }
    with _environment(environment):
        done = _invoke(arguments, on_node)
    results = getattr(done.result, "results", None)
    if results is None:
        raise _broken_project(log, project, done.exception)
    run = DbtRun([_node_run(result) for result in results])
    _raise_for_models(log, run)
    run.checks = _checks(
        load_register(settings), candidate, [r for r in results if str(r.node.resource_type) == "test"]
    )
    return run


def _read_seeds(project: Path) -> None:
    """Raise a `BuildError` that names the file when a seed cannot be read: dbt's own message does not."""
    for path in sorted((project / "seeds").rglob("*.csv")):
        try:
            path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise BuildError(
                f"the seed {path.name} cannot be read",
                expected="a file in UTF-8 that this user may read",
                found=f"{type(exc).__name__}: {exc}",
                source=str(path),
                action="restore the file from version control, or save it as UTF-8",
            ) from exc


def _invoke(arguments: list[str], on_node: OnNode | None) -> Any:
    """Run dbt and close its connections, so that the candidate can be opened by others afterwards."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    def told(event: Any) -> None:
        """Tell how far dbt is; nothing may be raised here, it would break dbt's own thread."""
        with suppress(Exception):
            if on_node and event.info.name in PROGRESS_EVENTS:
                total = getattr(event.data, PROGRESS_EVENTS[event.info.name])
                on_node(str(event.data.node_info.node_name), int(event.data.index), int(total))

    try:
        return dbtRunner(callbacks=[told]).invoke(arguments)
    finally:
        environment = DuckDBConnectionManager._ENV
        if environment is not None:
            environment.close()
        DuckDBConnectionManager.close_all_connections()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _node_run(result: Any) -> NodeRun:
    node = result.node
    return NodeRun(
        unique_id=str(node.unique_id),
        kind=str(node.resource_type),
        name=str(node.name),
        status=str(result.status),
        message=str(result.message or ""),
        path=str(node.original_file_path),
        seconds=float(result.execution_time or 0),
    )


def _raise_for_models(log: Path, run: DbtRun) -> None:
    broken = [node for node in run.nodes if node.kind != "test" and node.status == "error"]
    if not broken:
        return
    first = broken[0]
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    raise BuildError(
        f"dbt could not build the {first.kind} {first.name}{more}",
        expected="every seed and model builds",
        found=_first_line(first.message),
        source=f"{first.path}; log: {log}",
        action="read the log; when a seed or model was changed, correct it, then run `ame run` again",
    )


def _broken_project(log: Path, project: Path, exception: BaseException | None) -> BuildError:
    return BuildError(
        "dbt could not read the project",
        expected="a dbt project that parses",
        found=_first_line(str(exception or "no result")),
        source=f"{project}; log: {log}",
        action="correct the file that the message names, or restore it from version control",
    )


def _first_line(text: str) -> str:
    """Return the line of a dbt message that says what is wrong: dbt puts a heading before it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    useful = [
        line for line in lines if not line.startswith(("Runtime Error in", "Database Error in", "compiled "))
    ]
    picked = (useful or lines or ["no message"])[:2]
    return " ".join(dict.fromkeys(picked))[:500]


def _checks(entries: Register, candidate: Path, results: list[Any]) -> list[CheckResult]:
    """Turn data tests into check results and copy their failing rows to `quality.failing_<check_id>`.

    Raises `BuildError` when a test is not in the register, or is of another severity there than in dbt.
    """
    checks = []
    with duckdb.connect(str(candidate)) as con:
        for result in results:
            status = str(result.status)
            if status == "skipped":
                continue
            checks.append(_check(entries, con, result, status))
    return checks


def registered(entries: Register, node: Any) -> Entry:
    """Return the register's row of a data test (a node of dbt's manifest): its own, else that of its kind.

    Raises `BuildError` when it has none, or when dbt gives it another severity.
    """
    kind = getattr(node, "test_metadata", None)
    entry = entries.entry(str(node.name), kind=kind.name if kind else None, it=subject(node))
    severity = str(node.config.severity).lower()
    entry.agrees("warning" if severity == "warn" else severity, str(node.original_file_path), entries.source)
    return entry


def subject(node: Any) -> str:
    """Return what a data test is put on: `participants.year`, or the model alone."""
    model = str(getattr(node, "attached_node", None) or "").rpartition(".")[2]
    return ".".join(part for part in (model, getattr(node, "column_name", None)) if part) or str(node.name)


def _check(entries: Register, con: duckdb.DuckDBPyConnection, result: Any, status: str) -> CheckResult:
    node = result.node
    failures = int(result.failures or 0)
    outcome: Status = OUTCOME_OF_DBT.get(status, "errored")
    entry = registered(entries, node)
    table = _keep_rows(con, entry, node) if outcome == "failed" else None
    if outcome == "errored":
        found = _first_line(str(result.message or "the test could not run"))
    elif failures or outcome == "failed":
        found = f"{failures} rows that do not hold" if failures != 1 else "1 row that does not hold"
    else:
        found = "no such rows"
    return entry.result(
        status=outcome,
        found=found,
        failing_rows=failures if outcome == "failed" else 0,
        failing_rows_table=table,
    )


def _keep_rows(con: duckdb.DuckDBPyConnection, entry: Entry, node: Any) -> str | None:
    """Copy the rows that dbt stored for a test; None when the test stores none."""
    if not getattr(node, "should_store_failures", False):
        return None
    test = getattr(node, "test_metadata", None)
    looked_at = " ".join(str(value) for value in (test.kwargs if test else {}).values())
    try:
        return failing_rows.write(con, entry, f'"{node.schema}"."{node.alias}"', looked_at)
    except duckdb.CatalogException:
        return None
