"""Airflow's own home under AME_HOME: environment, metadata database, pool."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from ame_warehouse.errors import AmeError
from ame_warehouse.pipeline.faults import readable
from ame_warehouse.pipeline.pool import WRITER_POOL, WRITER_POOL_SLOTS, WRITER_POOL_TEXT
from ame_warehouse.settings import Settings


def dags_folder(settings: Settings) -> Path:
    """Return the folder of the DAG files."""
    return settings.project / "dags"


def setting_variables(settings: Settings) -> dict[str, str]:
    """Return every setting as the environment variable that gives the same value in another process."""
    return {f"AME_{name.upper()}": str(value) for name, value in settings.model_dump().items()}


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables for an Airflow that lives in AME_HOME and speaks to this machine only.

    A variable that the user has set stays, except those that decide which home and which DAGs are used.
    Call `make_directories` first.
    """
    home = settings.airflow_home
    fixed = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder(settings)),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "GX_ANALYTICS_ENABLED": "False",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
    }
    preferred = {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        # On a small machine the API server is slow to answer while everything starts.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    }
    secret = _secret_path(settings)
    if secret.exists():
        preferred["AIRFLOW__API_AUTH__JWT_SECRET"] = secret.read_text(encoding="ascii")
    kept = {name: os.environ.get(name, value) for name, value in preferred.items()}
    # The programs of this environment (airflow, dbt) are found also when it has not been activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {"PATH": path, **setting_variables(settings), **kept, **fixed}


def prepare(settings: Settings) -> None:
    """Make the metadata database and the writer pool, once per Airflow version.

    `environment()` must be in force. Raises a readable `AmeError` when AME_HOME cannot be written.
    """
    from airflow import __version__ as airflow_version

    marker = settings.airflow_home / f".prepared-{airflow_version}"
    database = settings.airflow_home / "airflow.db"
    if not (marker.exists() and database.exists()):
        from airflow.utils import db

        db.initdb()
        from airflow.models.pool import Pool

        Pool.create_or_update_pool(
            name=WRITER_POOL, slots=WRITER_POOL_SLOTS, description=WRITER_POOL_TEXT, include_deferred=False
        )
        marker.touch()
    _end_abandoned_runs()


def _end_abandoned_runs() -> None:
    """Mark runs that a killed `ame run` left running as failed; a scheduler would take them up otherwise.

    The caller holds the run lock: no other process can be working on them.
    """
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, TaskInstanceState
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy import select

    with create_session() as session:
        abandoned = session.scalars(
            select(DagRun).where(
                DagRun.triggered_by == DagRunTriggeredByType.TEST,
                DagRun.state.in_([DagRunState.RUNNING, DagRunState.QUEUED]),
            )
        ).all()
        for run in abandoned:
            for instance in session.scalars(
                select(TaskInstance).where(
                    TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id
                )
            ):
                if instance.state not in (
                    TaskInstanceState.SUCCESS,
                    TaskInstanceState.FAILED,
                    TaskInstanceState.SKIPPED,
                ):
                    instance.state = TaskInstanceState.FAILED
            run.state = DagRunState.FAILED


def _secret_path(settings: Settings) -> Path:
    """Return the file of the secret with which Airflow's components sign what they say to each other."""
    return settings.airflow_home / ".component_secret"


def make_directories(settings: Settings) -> None:
    """Make what Airflow needs in AME_HOME: directories, and the secret its components share.

    Raises a readable `AmeError` when that fails.
    """
    try:
        (settings.airflow_home / "logs").mkdir(parents=True, exist_ok=True)
        (settings.airflow_home / "plugins").mkdir(exist_ok=True)
        secret = _secret_path(settings)
        if not secret.exists():
            partial = secret.with_suffix(f".{os.getpid()}")
            partial.touch(mode=0o600)
            partial.write_text(secrets.token_hex(64), encoding="ascii")
            partial.replace(secret)
    except OSError as exc:
        raise readable(exc, settings.home) or AmeError(
            "AME_HOME cannot be used",
            expected="a directory that can be made and written",
            found=str(exc),
            source=str(settings.home),
            action="set AME_HOME to such a directory",
        ) from exc


if __name__ == "__main__":
    from ame_warehouse.settings import load_settings

    prepare(load_settings())
