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
- **green, and an incident `watch_published_stale`, `watch_nothing_runs` or `watch_source_silent_…`**:
  the watch works; the pipeline does not deliver.
  *Do:* look at the last runs of `ingest_kolada` and `build_warehouse`.
- **`check.watch` failed**: the watch could not read the manifest or write the incident. *Do:* the
  message names the file; correct owner or mode, clear the task.
- **`keep_house.tidy` failed**: what is old could not be packed or removed. *Do:* free space or correct the
  permissions; nothing is lost, the next day goes on (`ame clean` does the same at once).

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

    @task_group
    def keep_house() -> None:
        """What no rule keeps goes, what is old is packed."""

        @task(execution_timeout=timedelta(minutes=30))
        def tidy() -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("tidy")

        tidy()

    check()
    keep_house()


watch_warehouse()
