"""Airflow DAG: is the published version fresh, and have the sources fallen silent?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task, task_group

from ame_warehouse.pipeline.dag_defaults import dag_arguments

DOC = """
# Watch over the warehouse

**What it does.** Every day at 06:30 UTC it looks at the published manifest and at the newest fetches, without
asking any source: is something published, is it older than the rhythm of its sources allows, has a source
been
silent? Each answer is a check result; what is wrong is an incident until it is right again. It does not
depend
on the DAGs that it watches.

## When it fails
- **green, and an incident `staleness` or `silence`**: the watch works; the pipeline does not deliver.
  *Do:* look at the last runs of `ingest_kolada` and `build_warehouse`.
- **`check.watch` failed**: the watch could not read the manifest or write the incident. *Do:* the
  message names the file; correct owner or mode, clear the task.

**Who is told.** Incidents: `ame incidents` and the table `quality.incidents` of the next published version;
the addresses in `AME_ALERT_URLS`. `AME_HEARTBEAT_URL` hears of every watch that did its work.
"""


@dag(
    dag_id="watch_warehouse",
    schedule="30 6 * * *",
    **dag_arguments(tags=["watch", "quality"], doc_md=DOC),
)
def watch_warehouse() -> None:
    """One look a day."""

    @task_group
    def check() -> None:
        """Fresh and not silent?"""

        @task(execution_timeout=timedelta(minutes=15))
        def watch() -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("watch")

        watch()

    check()


watch_warehouse()
