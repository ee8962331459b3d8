"""Airflow DAG: fetch the measures of the catalogue from Kolada into the landing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task, task_group

from ame_warehouse.pipeline.dag_defaults import KOLADA_OBSERVATIONS, dag_arguments, fetch_params

DOC = """
# Kolada → landing → observations

**What it does.** Asks Kolada (or the bundled sample, see `AME_SOURCES`) for every measure of the catalogue
and every municipality in scope, keeps each answer byte for byte in `landing/`, and turns what is complete
into observations. A value that is the same as last time adds nothing. Runs every Monday at 04:15 UTC;
`build_warehouse` follows by itself.

**Params.** `measures`, `municipalities` and `years` narrow what is asked for; empty means everything. That is
a backfill: everything else stays as loaded, and `reason` and `requested_by` are logged with what it changed
(`quality.backfills`). `resume`: id of a backfill that has landed and was never published.

## When it fails
- **`fetch_kolada`: the source cannot be reached**: network, address or Kolada itself. *Do:* the task
  tries again by itself, waiting longer each time; then open `AME_KOLADA_URL` in a browser.
- **`fetch_kolada`: the answer is not what Kolada v3 answers**: wrong address, a proxy page, a new API
  version. *Do:* read `landing/kolada/*/requests.jsonl`; correct `AME_KOLADA_URL`.
- **green, but a measure is `failed`**: only that measure: the others are loaded. *Do:* `ame incidents`,
  then run this DAG with the measure in `measures`.
- **another process is working in this AME_HOME**: a run from the command line is not finished. *Do:*
  wait; the task tries again by itself.
- **the disk is full**: nothing half-written is used. *Do:* free space, clear the task.

Clearing a failed task is always safe: a fetch is complete or it is not used, and what is published stays.

**Who is told.** A failed run shows here and in `ame status`; a measure that failed is an incident in `ame
incidents`. A task that gave up is told to the addresses in `AME_ALERT_URLS`.
"""


@dag(
    dag_id="ingest_kolada",
    schedule="15 4 * * 1",
    params=fetch_params(),
    **dag_arguments(tags=["ingest", "kolada"], doc_md=DOC),
)
def ingest_kolada() -> None:
    """Fetch, then parse; the observations asset starts the build."""

    @task_group
    def land() -> None:
        """From the source to observations."""

        @task(execution_timeout=timedelta(hours=6))
        def fetch_kolada(params: dict[str, Any] | None = None) -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            chosen = params or {}
            return run_step(
                "fetch_kolada",
                measures=chosen.get("measures"),
                municipalities=chosen.get("municipalities"),
                years=chosen.get("years"),
                reason=chosen.get("reason"),
                requested_by=chosen.get("requested_by"),
                resume=chosen.get("resume"),
            )

        @task(outlets=[KOLADA_OBSERVATIONS])
        def parse_landing(fetch: dict[str, Any]) -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("parse_landing", fetch_ids=fetch["fetch_ids"])

        parse_landing(fetch_kolada())  # type: ignore[arg-type]

    land()


ingest_kolada()
