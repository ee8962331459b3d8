"""Parts of a run that need no Airflow: asset order, display, progress, task bridge, summary text."""

from __future__ import annotations

import io
import sqlite3
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from ame_warehouse.errors import (
    AmeError,
    BusyError,
    CheckFailedError,
    LandingError,
    SourceUnavailableError,
)
from ame_warehouse.pipeline import airflow_home, progress, runner, steps, tasks
from ame_warehouse.pipeline.display import Display
from ame_warehouse.pipeline.runner import RunOptions, StepRecorder, asset_order, concerns_the_source
from ame_warehouse.pipeline.summary import MAX_NAMES, gap_lines


@dataclass
class Asset:
    name: str
    uri: str = "x-ame://test"


@dataclass
class AnyOf:
    objects: list[Any]


@dataclass
class Dag:
    dag_id: str
    schedule: Any = None
    makes: list[Asset] = field(default_factory=list)

    @property
    def tasks(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(outlets=self.makes), SimpleNamespace(outlets=[])]


def test_producers_come_before_consumers_and_unrelated_dags_are_left_out() -> None:
    raw, other, mart = Asset("raw"), Asset("other"), Asset("mart")
    dags = [
        Dag("a_report", [mart]),
        Dag("build", AnyOf([raw, AnyOf([other])]), [mart]),
        Dag("watch", "30 6 * * *"),
        Dag("ingest_raw", "15 4 * * 1", [raw]),
        Dag("ingest_other", "@daily", [other]),
    ]
    assert [d.dag_id for d in asset_order(dags)] == ["ingest_other", "ingest_raw", "build", "a_report"]


def test_a_circle_of_assets_is_told() -> None:
    one, two = Asset("one"), Asset("two")
    with pytest.raises(AmeError, match="wait for each other"):
        asset_order([Dag("a", [one], [two]), Dag("b", [two], [one])])


def test_a_disk_too_full_for_airflows_own_metadata_is_told(
    monkeypatch: pytest.MonkeyPatch, make_settings: Any
) -> None:
    def fall(**_: Any) -> None:
        raise RuntimeError("commit failed") from sqlite3.OperationalError("database or disk is full")

    dag = SimpleNamespace(dag_id="build", tasks=[], tags=set(), test=fall)
    monkeypatch.setattr(airflow_home, "prepare", lambda _: None)
    monkeypatch.setattr(runner, "_load", lambda _: [dag])
    with pytest.raises(AmeError, match="the disk is full"):
        runner._run_chain(make_settings(), RunOptions(), StepRecorder())


def test_damaged_metadata_of_airflow_are_told(monkeypatch: pytest.MonkeyPatch, make_settings: Any) -> None:
    def fall(_: Any) -> None:
        raise sqlite3.DatabaseError("file is not a database")

    monkeypatch.setattr(airflow_home, "prepare", fall)
    with pytest.raises(AmeError, match="metadata database is damaged") as caught:
        runner._run_chain(make_settings(), RunOptions(), StepRecorder())
    assert str(caught.value.source).endswith("airflow.db")


def test_the_options_become_params() -> None:
    assert RunOptions(measures=["U40455"], years=[2022]).conf() == {
        "measures": ["U40455"],
        "municipalities": None,
        "years": [2022],
        "full_refresh": False,
        "switch_sources": False,
        "reason": None,
        "requested_by": None,
        "resume": None,
    }


def test_plain_display_writes_one_line_a_step_and_no_control_codes() -> None:
    stream = io.StringIO()
    with Display(stream) as display, progress.watched_by(display):
        progress.started("fetch_kolada")
        progress.advanced("fetch_kolada", 3, 10)
        progress.finished("fetch_kolada", {"requests": 10, "measures": {"complete": 2, "failed": 0}})
        progress.started("run_dbt")
        progress.failed("run_dbt", ValueError("x"))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "done" in lines[0]
    assert "Fetch from Kolada (10 requests; measures: 2 complete)" in lines[0]
    assert "FAILED" in lines[1]
    assert "\x1b" not in stream.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_live_display_shows_count_and_outcome() -> None:
    stream = Terminal()
    with Display(stream) as display, progress.watched_by(display):
        progress.started("fetch_kolada")
        progress.advanced("fetch_kolada", 3, 10)
        progress.finished("fetch_kolada", {"requests": 10, "measures": {"complete": 2}})
        progress.started("plan_build")
        progress.failed("plan_build", ValueError("x"))
    shown = stream.getvalue()
    assert "Fetch from Kolada" in shown
    assert "10 requests" in shown
    assert "failed" in shown


def test_observers_hear_nothing_after_the_block() -> None:
    recorder = StepRecorder()
    with progress.watched_by(recorder):
        progress.finished("plan_build", {"needed": True})
    progress.finished("publish", {})
    assert recorder.results == {"plan_build": {"needed": True}}


def test_the_first_error_is_the_one_that_is_told() -> None:
    recorder = StepRecorder()
    first = ValueError("first")
    with progress.watched_by(recorder):
        progress.failed("run_dbt", first)
        progress.failed("publish", ValueError("second"))
    assert (recorder.failed_step, recorder.error) == ("run_dbt", first)


@pytest.mark.parametrize(
    ("error", "goes_on"),
    [
        (SourceUnavailableError("down"), True),
        (KeyError("a workbook that no reader foresaw"), True),
        (None, True),  # the task was ended by its time limit
        (LandingError("the landing cannot be written"), False),
        (BusyError("another process"), False),
    ],
)
def test_what_concerns_a_supporting_source_alone_leaves_the_others_running(
    error: Exception | None, goes_on: bool
) -> None:
    assert concerns_the_source(error) is goes_on


def test_a_source_set_aside_is_named_and_the_next_error_is_heard_again() -> None:
    recorder = StepRecorder()
    recorder.failed("parse_af", KeyError("column"))
    recorder.set_aside("ingest_arbetsformedlingen")
    assert "parse_af" in recorder.unfetched["ingest_arbetsformedlingen"]
    assert "KeyError" in recorder.unfetched["ingest_arbetsformedlingen"]
    recorder.failed("run_dbt", ValueError("x"))
    assert recorder.failed_step == "run_dbt"


def failing(error: Exception) -> Any:
    def step(**_: Any) -> dict[str, Any]:
        raise error

    return step


def test_what_retrying_may_cure_keeps_its_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "fetch_kolada", failing(SourceUnavailableError("down")))
    with pytest.raises(SourceUnavailableError):
        tasks.run_step("fetch_kolada")


def test_an_unknown_error_keeps_its_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "run_dbt", failing(ZeroDivisionError("x")))
    with pytest.raises(ZeroDivisionError):
        tasks.run_step("run_dbt", version="v")


def test_what_retrying_cannot_cure_fails_the_task_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setattr(steps, "check_marts", failing(CheckFailedError("1 check failed", action="mend it")))
    with pytest.raises(Exception, match="1 check failed; do: mend it") as caught:
        tasks.run_step("check_marts", version="v")
    assert type(caught.value).__name__ == "AirflowFailException"


def gap(measure: str, year: int, place: str, topic: str = "Deltagare") -> dict[str, Any]:
    return {
        "measure_id": measure,
        "measure": f"Title of {measure}",
        "topic": topic,
        "year": year,
        "municipality_id": place,
        "municipality": f"Place {place}",
    }


def test_gaps_are_told_by_year_and_name() -> None:
    lines = gap_lines([gap("a", 2017, "1440"), gap("a", 2017, "1480"), gap("a", 2022, "1419")])
    assert lines == [
        "  Deltagare: Title of a",
        "    2017  Place 1440 (1440), Place 1480 (1480)",
        "    2022  Place 1419 (1419)",
    ]


def test_measures_of_a_topic_with_the_same_gaps_share_their_lines() -> None:
    lines = gap_lines(
        [gap("a", 2022, "1"), gap("b", 2022, "1"), gap("c", 2021, "1"), gap("d", 2022, "1", "X")]
    )
    assert lines == [
        "  Deltagare: 2 measures: a, b",
        "    2022  Place 1 (1)",
        "  Deltagare: Title of c",
        "    2021  Place 1 (1)",
        "  X: Title of d",
        "    2022  Place 1 (1)",
    ]


def test_long_lists_of_names_are_cut_with_a_count() -> None:
    gaps = [gap("a", 2022, f"{number:04d}") for number in range(20)]
    assert gap_lines(gaps)[1].endswith(f"… and {20 - MAX_NAMES} more")
