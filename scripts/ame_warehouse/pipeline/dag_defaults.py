"""What all DAGs have in common: names, assets, pool, params and the arguments of every task.

Only DAG files import this module. It imports nothing but Airflow's authoring interface, so that a DAG
file parses in well under a second.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, AssetAny, Param

from ame_warehouse.alerts.notifier import TaskFailed, TaskRecovered
from ame_warehouse.pipeline.pool import WRITER_POOL

OWNER = "ame-warehouse"
START = datetime(2024, 1, 1, tzinfo=UTC)
SUPPORTING = "supporting"
"""Tag of an ingest DAG whose failure leaves the others in use: `ame run` says so and goes on."""

KOLADA_OBSERVATIONS = Asset(name="kolada_observations", uri="x-ame://observations/kolada")
AF_OBSERVATIONS = Asset(name="arbetsformedlingen_observations", uri="x-ame://observations/arbetsformedlingen")
PUBLISHED_WAREHOUSE = Asset(name="published_warehouse", uri="x-ame://published/warehouse")

# A further source is one more line here: its DAG names the asset as outlet, and the build follows.
SOURCE_ASSETS = (KOLADA_OBSERVATIONS, AF_OBSERVATIONS)


def any_source() -> AssetAny:
    """Return the schedule of the build: any source that has new observations."""
    return AssetAny(*SOURCE_ASSETS)


def dag_arguments(*, tags: list[str], doc_md: str) -> dict[str, Any]:
    """Return the arguments that every DAG takes."""
    return {
        "start_date": START,
        "catchup": False,
        "max_active_runs": 1,
        "is_paused_upon_creation": False,
        "default_args": task_arguments(),
        "tags": ["ame", *tags],
        "doc_md": doc_md,
    }


def task_arguments() -> dict[str, Any]:
    """Return the arguments that every task takes: owner, pool, retries that wait longer each time, limit."""
    return {
        "owner": OWNER,
        "pool": WRITER_POOL,
        "retries": 3,
        "retry_delay": timedelta(minutes=2),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(hours=1),
        "execution_timeout": timedelta(hours=1),
        "on_failure_callback": TaskFailed(),
        "on_success_callback": TaskRecovered(),
    }


def fetch_params() -> dict[str, Param]:
    """Return the params of an ingest DAG: what to ask for; null means everything in scope."""
    return {
        "measures": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "minLength": 1},
            title="Measures",
            description="Kolada ids such as U40455; empty = every measure of the catalogue",
        ),
        "municipalities": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "minLength": 1},
            title="Municipalities",
            description="ids such as 1480, or groups such as G96190; empty = all in AME_MUNICIPALITIES",
        ),
        "years": Param(
            None,
            type=["null", "array"],
            items={"type": "integer", "minimum": 1990, "maximum": 2100},
            title="Years",
            description="years such as 2022; empty = all years that the source has",
        ),
        "reason": Param(
            None,
            type=["null", "string"],
            title="Reason",
            description="why a part is loaded again, for the log",
        ),
        "requested_by": Param(
            None, type=["null", "string"], title="Requested by", description="who asked for it, for the log"
        ),
        "resume": Param(
            None,
            type=["null", "string"],
            title="Resume",
            description="id of a backfill that has landed and was not published: nothing is asked again",
        ),
    }


def build_params() -> dict[str, Param]:
    """Return the params of the build DAG."""
    return {
        "full_refresh": Param(
            False,
            type="boolean",
            title="Full refresh",
            description="build and publish again even when nothing has changed since the last version",
        ),
        "switch_sources": Param(
            False,
            type="boolean",
            title="Switch sources",
            description="replace published live figures by those of the sample, or the other way round",
        ),
    }
