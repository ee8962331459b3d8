"""Run the Great Expectations suites on frames from DuckDB, in one process.

Great Expectations sees pandas DataFrames only: each suite has a query that selects its frame from the
landing (Parquet) or from the candidate. Its own store and the Data Docs are under AME_HOME/quality; the
repository is only read. An expectation that raised is `errored`: a broken check, not bad data.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from ame_warehouse.builder.fingerprint import observation_files
from ame_warehouse.errors import AmeError
from ame_warehouse.landing.schema import TABLES
from ame_warehouse.quality import data_docs, failing_rows
from ame_warehouse.quality.results import CheckResult, Stage, Status, figure
from ame_warehouse.quality.suites import Check, Suite, stage_suites
from ame_warehouse.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

GX_STAGES: tuple[Stage, ...] = ("landing", "marts")
SHOWN_ROWS = 5
OnSuite = Callable[[int, int], None]
log = logging.getLogger(__name__)


def run_stage(
    settings: Settings,
    stage: Stage,
    candidate: Path,
    *,
    run_name: str,
    as_of: str | None = None,
    on_suite: OnSuite | None = None,
) -> list[CheckResult]:
    """Run the suites of a stage and return one result per check; failing rows go into the candidate.

    Args:
        settings: paths, mode and memory limit.
        stage: `landing` (the observations on disk) or `marts` (the candidate).
        candidate: DuckDB file of the build; it is made when it is not there yet.
        run_name: name of the run in the Data Docs (the version of the build).
        as_of: UTC time as ISO text; only what was known then is looked at. None = everything.
        on_suite: called after each suite with the number done and the number of all.

    Raises `BuildError` when a suite is not in its form, `AmeError` when the work space cannot be used. A
    frame that cannot be selected makes all checks of its suite `errored`.
    """
    suites = stage_suites(settings, stage)
    validator = Validator(settings, run_name, stage)
    every_suite = [suite for one in GX_STAGES for suite in stage_suites(settings, one)]
    validator.show(every_suite)
    results: list[CheckResult] = []
    with _connection(settings, candidate) as con:
        _prepare(con, settings, as_of)
        for done, suite in enumerate(suites, start=1):
            try:
                frame = con.execute(suite.query).df()
            except duckdb.Error as exc:
                reason = f"its query failed: {str(exc).splitlines()[0]}"
                results += [_errored(check, reason) for check in suite.checks.values()]
            else:
                results += run_suite(validator, suite, frame, con)
            if on_suite:
                on_suite(done, len(suites))
    validator.build_docs(settings, every_suite)
    return results


class Validator:
    """A Great Expectations context whose store is under AME_HOME/quality."""

    def __init__(self, settings: Settings, run_name: str, stage: Stage) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "False"
        for name in ("great_expectations", "py.warnings"):
            logging.getLogger(name).setLevel(logging.ERROR)
        import great_expectations as gx
        from great_expectations.core.run_identifier import RunIdentifier

        home = settings.quality / "gx"
        try:
            shutil.rmtree(home / "gx" / "expectations", ignore_errors=True)
            shutil.rmtree(home / "gx" / "validation_definitions", ignore_errors=True)
            for left in ("great_expectations.yml", "uncommitted/config_variables.yml"):
                (home / "gx" / left).unlink(missing_ok=True)
            self.context = gx.get_context(mode="file", project_root_dir=home)
            self.context.variables.progress_bars = {"globally": False, "metric_calculations": False}
            self._site(data_docs.folder(settings))
        except OSError as exc:
            raise AmeError(
                "the store of Great Expectations cannot be written",
                expected="a directory that this user may write",
                found=f"{type(exc).__name__}: {exc.strerror or exc}",
                source=str(home),
                action="correct the permissions or free space, then run `ame run` again",
            ) from exc
        self._gx = gx
        self._definitions: dict[str, Any] = {}
        self.run_id = RunIdentifier(run_name=f"{run_name}-{stage}", run_time=datetime.now(UTC))
        self.results_dir = home / "gx" / "uncommitted" / "validations"
        self.source = self.context.data_sources.add_pandas(name="frames")

    def _site(self, docs: Path) -> None:
        self.context.variables.data_docs_sites = {
            "ame": {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": {
                    "class_name": "TupleFilesystemStoreBackend",
                    "base_directory": str(docs),
                },
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            }
        }

    def show(self, suites: list[Suite]) -> None:
        """Put suites into the store, so that the Data Docs show them whether they run now or not."""
        for suite in suites:
            self.context.suites.add_or_update(self._gx.ExpectationSuite(**suite.body))

    def validate(self, suite: Suite, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Run a suite on a frame; return GX's results as plain dictionaries, one per expectation."""
        definition = self._definitions.get(suite.name) or self._define(suite)
        outcome = definition.run(
            batch_parameters={"dataframe": frame},
            result_format={"result_format": "COMPLETE", "include_unexpected_rows": False},
            run_id=self.run_id,
        )
        return [result.to_json_dict() for result in outcome.results]

    def _define(self, suite: Suite) -> Any:
        asset = self.source.add_dataframe_asset(name=suite.name)
        self._definitions[suite.name] = self.context.validation_definitions.add(
            self._gx.ValidationDefinition(
                name=suite.name,
                data=asset.add_batch_definition_whole_dataframe(suite.name),
                suite=self.context.suites.add_or_update(self._gx.ExpectationSuite(**suite.body)),
            )
        )
        return self._definitions[suite.name]

    def page_of(self, suite: Suite) -> str:
        """Return the page of a suite in this run, relative to the start page of the Data Docs."""
        moment = f"{self.run_id.run_time:%Y%m%dT%H%M%S.%fZ}"
        return data_docs.page_of(suite.name, str(self.run_id.run_name), moment)

    def build_docs(self, settings: Settings, suites: list[Suite]) -> None:
        """Make the Data Docs of the last runs; a fault here is logged and stops nothing."""
        try:
            data_docs.prune(settings, self.results_dir)
            self.context.build_data_docs()
            data_docs.finish(settings, self.results_dir, suites)
        except Exception:
            log.exception("the Data Docs could not be built")


def run_suite(
    validator: Validator,
    suite: Suite,
    frame: pd.DataFrame,
    con: duckdb.DuckDBPyConnection | None = None,
) -> list[CheckResult]:
    """Run a suite on a frame and return one result per check, in the order of the suite.

    With a connection, failing rows are kept as `quality.failing_<check_id>` there.
    """
    try:
        found = validator.validate(suite, frame)
    except Exception as exc:  # a fault of the library must not look like bad data
        log.exception("the suite %s could not run", suite.name)
        reason = f"{type(exc).__name__}: {exc}"
        return [_errored(check, reason) for check in suite.checks.values()]
    by_id = {result["expectation_config"]["meta"]["check_id"]: result for result in found}
    return [
        replace(_result(check, by_id[check_id], frame, con), docs_page=validator.page_of(suite))
        if check_id in by_id
        else _errored(check, "Great Expectations returned no result")
        for check_id, check in suite.checks.items()
    ]


def _result(
    check: Check,
    outcome: dict[str, Any],
    frame: pd.DataFrame,
    con: duckdb.DuckDBPyConnection | None,
) -> CheckResult:
    broken = _exception(outcome)
    if broken:
        return _errored(check, broken)
    details = outcome.get("result") or {}
    passed = bool(outcome["success"])
    rows = _failing_rows(details, frame) if not passed else frame.iloc[0:0]
    count = int(details.get("unexpected_count") or len(rows)) if not passed else 0
    status: Status = "passed" if passed else "failed"
    faults, table = _by_scope(check, rows), None
    if con is not None and len(rows):
        con.register("failing_rows_of_check", rows)
        column = outcome["expectation_config"]["kwargs"].get("column")
        table = failing_rows.write(con, check.entry, "failing_rows_of_check", column)
        con.unregister("failing_rows_of_check")
    return check.entry.result(
        status=status,
        found=_found(outcome, passed, count, rows),
        failing_rows=count,
        failing_rows_table=table,
        scopes={scope: _shown(outcome, part) for scope, part in faults.items()},
        scope_rows={scope: len(part) for scope, part in faults.items()},
        max_scopes=check.limit,
    )


def _failing_rows(details: dict[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that GX names; for a check of the whole table all rows (there are few)."""
    index = details.get("unexpected_index_list")
    if index is None:
        return frame
    return frame.loc[sorted(set(index))]


def _found(outcome: dict[str, Any], passed: bool, count: int, rows: pd.DataFrame) -> str:
    """Say in words what was found: how many rows, and what the first few of them say."""
    details = outcome.get("result") or {}
    if "element_count" not in details:
        return str(details.get("observed_value", "no value"))
    total = details["element_count"]
    if passed:
        return f"{total} rows, all as expected" if total else "no rows to look at"
    return f"{count} of {total} rows: {_shown(outcome, rows)}"


def _by_scope(check: Check, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the failing rows of each single fault, where the check tells them apart."""
    if not check.scope or rows.empty:
        return {}
    return {str(scope): part for scope, part in rows.groupby(check.scope, dropna=False)}


def _shown(outcome: dict[str, Any], rows: pd.DataFrame) -> str:
    """Name the first few different rows; an ellipsis says that there are more."""
    column = outcome["expectation_config"]["kwargs"].get("column")
    shown = list(dict.fromkeys(_say(row, column) for row in rows.head(50).to_dict("records")))[:SHOWN_ROWS]
    return "; ".join(shown) + (" …" if len(rows) > len(shown) else "")


def _say(row: dict[Hashable, Any], column: str | None) -> str:
    """Name a row by its label, with the value in question where it says more than true or false."""
    value = row.get(column) if column else None
    text = "" if value is None or isinstance(value, bool) or value != value else _words(value)  # noqa: PLR0124
    label = str(row.get("label") or "")
    return f"{label}: {text}" if label and text else label or text or "empty"


def _words(value: object) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def _exception(outcome: dict[str, Any]) -> str | None:
    """Return the text of the exception when an expectation raised, else None."""
    info = outcome.get("exception_info") or {}
    entries = [info] if "raised_exception" in info else [e for e in info.values() if isinstance(e, dict)]
    for entry in entries:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message") or "an exception without a message").splitlines()[0]
    return None


def _errored(check: Check, reason: str) -> CheckResult:
    return check.entry.result(
        status="errored",
        found=f"the check itself could not run: {reason}",
        owner="data_engineer",
        action="mend the check (its suite and query stand in expectations/); the data have not been judged",
    )


@contextmanager
def _connection(settings: Settings, candidate: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the candidate for writing, with the memory limit of the settings."""
    try:
        spill = settings.build / "spill"
        spill.mkdir(parents=True, exist_ok=True)
        con = duckdb.connect(
            str(candidate), config={"memory_limit": settings.memory_limit, "temp_directory": str(spill)}
        )
    except (OSError, duckdb.Error) as exc:
        raise AmeError(
            "the candidate of this build cannot be opened",
            expected="a DuckDB file that this process may write",
            found=f"{type(exc).__name__}: {str(exc).splitlines()[0]}",
            source=str(candidate),
            action="check permissions and free space of AME_HOME/build, then run `ame run` again",
        ) from exc
    try:
        yield con
    finally:
        con.close()


def _prepare(con: duckdb.DuckDBPyConnection, settings: Settings, as_of: str | None) -> None:
    """Give the queries what they may name: views on the landing, and a few variables."""
    con.execute("create schema if not exists quality")
    con.execute("set timezone = 'UTC'")
    con.execute("set variable mode = $mode", {"mode": settings.sources})
    con.execute("set variable as_of = $as_of", {"as_of": as_of})
    con.execute("set variable seeds = $seeds", {"seeds": str(settings.seeds)})
    for table, types in TABLES.items():
        pattern = observation_files(settings, table)
        if pattern is None:
            columns = ", ".join(f'null::{kind} as "{name}"' for name, kind in types.items())
            body = f"select {columns} where false"
        else:
            quoted = pattern.replace("'", "''")
            body = f"select * from read_parquet('{quoted}', union_by_name = true, hive_partitioning = false)"  # noqa: S608
        con.execute(f"create or replace temp view landed_{table} as {body}")
    con.execute(
        "create or replace temp view landing_measures as select * from landed_measures "
        "where mode = getvariable('mode') "
        "and (getvariable('as_of') is null or fetched_at <= getvariable('as_of')::timestamp)"
    )
    for table in TABLES:
        if table != "measures":
            con.execute(
                f"create or replace temp view landing_{table} as select * from landed_{table} "  # noqa: S608
                "where fetch_id in (select fetch_id from landing_measures)"
            )
