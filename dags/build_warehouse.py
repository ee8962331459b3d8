"""Airflow DAG: check what has landed, build the marts, check them, publish them."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task, task_group

from ame_warehouse.pipeline.dag_defaults import PUBLISHED_WAREHOUSE, any_source, build_params, dag_arguments

DOC = """
# Observations → marts → published version

**What it does.** Runs when a source has new observations: plan → check the landing → dbt (models and tests)
into a private candidate file → check the marts → publish → announce → atlas. When nothing has changed since
the published version it ends after `is_needed`, green, and publishes nothing.

**Params.** `full_refresh`: build and publish even when nothing has changed. `switch_sources`: let figures of
the sample replace published live ones, or the other way round; without it such a build is refused.

**Readers.** They keep the last good version until `publish` replaces it in one step. If any check of severity
`error` fails, nothing is replaced.

## When it fails
- **`check_source.check_landing`**: what has landed lacks shape or volume. *Do:* `ame incidents` names
  the check, expected and found; fetch again, or correct the source settings.
- **`build.run_dbt`**: a model or a dbt test failed. *Do:* the task's log names the model; the failing
  rows are kept as a table in the candidate `build/<version>.duckdb`.
- **`check_result.check_marts`**: the marts are implausible. *Do:* open `quality/data_docs/`; correct the
  cause, then run this DAG again.
- **`publish.publish`**: the published files cannot be replaced. *Do:* disk or permission, see the
  message; readers still have the last version.
- **`publish.publish` is green, the incident `postgres_publication` is open**: the files are published, but
  PostgreSQL is not. *Do:* what the incident says, then `ame serve`; the next run tries again by itself.
- **`publish.make_atlas` is green, the incident `atlas_made` is open**: the data are published, the site for
  readers shows the version before. *Do:* what the incident says, then `ame atlas`.
- **another process is working in this AME_HOME**: a run from the command line is not finished. *Do:*
  wait; the task tries again by itself.

Clearing a failed task is always safe: every step starts from what the step before has finished, and a run
that a newer version has overtaken says so and changes nothing.

**Who is told.** A failed check is an incident (`ame incidents`, table `quality.incidents`) with its owner
and what to do, and is told to the addresses in `AME_ALERT_URLS`; so is a task that gave up.
"""


@dag(
    dag_id="build_warehouse",
    schedule=any_source(),
    params=build_params(),
    **dag_arguments(tags=["build", "dbt", "quality"], doc_md=DOC),
)
def build_warehouse() -> None:
    """Plan, check, build, check, publish, announce, atlas."""

    @task
    def plan_build(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from ame_warehouse.pipeline.tasks import run_step

        asked = {name: bool((params or {}).get(name)) for name in ("full_refresh", "switch_sources")}
        return run_step("plan_build", **asked)

    @task.short_circuit
    def is_needed(plan: dict[str, Any]) -> bool:
        return bool(plan["needed"])

    @task_group
    def check_source(version: str) -> None:
        """Is what has landed fit for use?"""

        @task
        def check_landing(version: str) -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("check_landing", version=version)

        check_landing(version)  # type: ignore[arg-type]

    @task_group
    def build(version: str) -> None:
        """The candidate: seeds, staging, intermediate, marts, quality."""

        @task
        def run_dbt(version: str) -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("run_dbt", version=version)

        run_dbt(version)  # type: ignore[arg-type]

    @task_group
    def check_result(version: str) -> None:
        """Are the marts plausible and complete?"""

        @task
        def check_marts(version: str) -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("check_marts", version=version)

        check_marts(version)  # type: ignore[arg-type]

    @task_group
    def publish(version: str) -> None:
        """Replace what readers see, and say so."""

        @task(outlets=[PUBLISHED_WAREHOUSE])
        def publish(version: str) -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("publish", version=version)

        @task
        def announce(version: str) -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("announce", version=version)

        @task
        def make_atlas(version: str) -> dict[str, Any]:
            from ame_warehouse.pipeline.tasks import run_step

            return run_step("make_atlas", version=version)

        publish(version) >> announce(version) >> make_atlas(version)  # type: ignore[arg-type,operator]

    plan = plan_build()
    version = plan["version"]  # type: ignore[index]
    (
        is_needed(plan)  # type: ignore[arg-type]
        >> check_source(version)
        >> build(version)
        >> check_result(version)
        >> publish(version)
    )


build_warehouse()
