"""After weeks without a scheduler every DAG runs once, not once for each missed week."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ame_warehouse.pipeline import airflow_home
from ame_warehouse.settings import PROJECT_ROOT, Settings

WEEKS = 6
# Asks the timetable of each DAG what the scheduler asks: what comes after the last run, and after that one.
ASK = """
import json, sys
from datetime import UTC, datetime, timedelta
import pendulum
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import DataInterval, TimeRestriction
now = pendulum.instance(datetime.now(UTC))
answer = {}
for dag in DagBag(dag_folder=sys.argv[1]).dags.values():
    if not isinstance(dag.schedule, str):
        continue
    table = coerce_to_core_timetable(dag.timetable)
    rule = TimeRestriction(pendulum.instance(dag.start_date), None, catchup=dag.catchup)
    last = now - timedelta(weeks=int(sys.argv[3]))
    interval, due = DataInterval(last, last), []
    while True:
        info = table.next_dagrun_info(last_automated_data_interval=interval, restriction=rule)
        if info.run_after > now:
            break
        due.append((now - info.run_after).total_seconds())
        interval = info.data_interval
    answer[dag.dag_id] = due
json.dump(answer, open(sys.argv[2], "w"))
"""


@pytest.fixture(scope="module")
def due(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return, by DAG, how many seconds ago each run was due that starts when the scheduler is back."""
    home = tmp_path_factory.mktemp("catch-up") / "home"
    settings = Settings(_env_file=None, home=home)
    airflow_home.make_directories(settings)
    answer = home / "due.json"
    folder = PROJECT_ROOT / "dags"
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(folder), str(answer), str(WEEKS)],
        env=airflow_home.environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(Path(answer).read_text())
    return found


def test_there_is_no_stampede(due: dict[str, Any]) -> None:
    assert set(due) == {"ingest_kolada", "ingest_arbetsformedlingen", "watch_warehouse"}
    for dag_id, runs in due.items():
        longest = 7 * 86_400 if dag_id == "ingest_kolada" else 86_400
        assert len(runs) == 1, f"{dag_id}: the newest run brings everything"
        assert runs[0] <= longest, f"{dag_id}: it is the last one that was due"
