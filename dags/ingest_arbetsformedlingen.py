"""Airflow DAG: look whether Arbetsförmedlingen has published new workbooks, and read those that are new."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task, task_group

from ame_warehouse.pipeline.dag_defaults import AF_OBSERVATIONS, SUPPORTING, dag_arguments

DOC = """
# Arbetsförmedlingen → landing → observations

**What it does.** Every day at 05:30 UTC it reads AF's index page (or that of the bundled sample, see
`AME_SOURCES`), fetches the workbooks that have changed, keeps every distinct file in `landing/`, and turns
them into observations. When nothing has changed it ends after `is_changed`, green, and touches nothing.
`build_warehouse` follows by itself.

**When AF publishes.** Around the 23rd of the month after; the calendar is not known, so it polls.

## When it fails
- **`fetch_af`: the page cannot be reached, or is not the index page**: network, or AF has moved it (it has
  before). *Do:* open `AME_AF_URL` in a browser; set it to the new address. Earlier workbooks stay in use.
- **green, but a file is `refused`, `missing` or `held`**: HTML instead of a workbook, a damaged file, a
  renamed column, files of one release out of step. *Do:* `quality.findings` names file and reason; the last
  good file stays in use, marked stale.
- **`parse_af`: a workbook cannot be read**: a new layout. *Do:* the message names sheet and column; add the
  new name to `ame_warehouse/arbetsformedlingen/layouts.py`, then `ame reparse`.
- **another process is working in this AME_HOME**: a run from the command line is not finished. *Do:*
  wait; the task tries again by itself.

Clearing a failed task is always safe: a file is complete or it is not used, and what is published stays.

**Who is told.** A failed fetch is an incident (`source_fetched_arbetsformedlingen`) until one succeeds, and
is told to the addresses in `AME_ALERT_URLS`.
"""


@dag(
    dag_id="ingest_arbetsformedlingen",
    schedule="30 5 * * *",
    **dag_arguments(tags=["ingest", "arbetsformedlingen", SUPPORTING], doc_md=DOC),
)
def ingest_arbetsformedlingen() -> None:
    """Look, fetch what is new, read it; the observations asset starts the build."""

    @task_group
    def land() -> None:
        """From the index page to observations."""

        @task(execution_timeout=timedelta(hours=2))
        def fetch_af() -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("fetch_af")

        @task.short_circuit
        def is_changed(fetch: dict[str, Any]) -> bool:
            return bool(fetch["changed"])

        @task(outlets=[AF_OBSERVATIONS])
        def parse_af(fetch: dict[str, Any]) -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("parse_af", fetch_ids=fetch["fetch_ids"])

        fetch = fetch_af()
        is_changed(fetch) >> parse_af(fetch)  # type: ignore[arg-type,operator]

    land()


ingest_arbetsformedlingen()
