"""A source that could not be fetched: an incident until it is fetched; the other sources go on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ame_warehouse.arbetsformedlingen import http
from ame_warehouse.errors import AmeError, BusyError, LandingError, SourceUnavailableError
from ame_warehouse.pipeline import airflow_home, progress, runner, sources, steps
from ame_warehouse.pipeline.runner import SUPPORTING, RunOptions, StepRecorder
from ame_warehouse.quality.incidents import list_incidents
from ame_warehouse.sample.af_server import AfServer, Site, fixed, made
from ame_warehouse.sample.af_workbooks import rom_book
from ame_warehouse.sample.af_xlsx import write
from ame_warehouse.settings import Settings

CHECK = "source_fetched_arbetsformedlingen"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def failed(settings: Settings, error: Exception) -> None:
    with pytest.raises(type(error)), sources.fetched(settings, "arbetsformedlingen"):
        raise error


def test_a_failure_is_an_incident_until_the_next_success(settings: Settings) -> None:
    failed(settings, SourceUnavailableError("the page does not answer", action="open it"))
    failed(settings, SourceUnavailableError("the page does not answer", action="open it"))
    (incident,) = list_incidents(settings, open_only=True)
    assert (incident.check_id, incident.severity, incident.times_seen) == (CHECK, "warning", 2)
    with sources.fetched(settings, "kolada"):
        pass  # another source's success says nothing of this one
    assert len(list_incidents(settings, open_only=True)) == 1
    with sources.fetched(settings, "arbetsformedlingen"):
        pass
    assert list_incidents(settings, open_only=True) == []
    (incident,) = list_incidents(settings)
    assert incident.resolved_at is not None


def test_a_fault_of_our_own_is_not_the_sources(settings: Settings) -> None:
    failed(settings, LandingError("disk full"))
    assert list_incidents(settings) == []


@pytest.mark.parametrize(
    ("error", "owner"),
    [
        pytest.param(LandingError("an object is damaged", action="restore it"), "operator", id="ours"),
        pytest.param(KeyError("Ny kolumn"), "data_engineer", id="a layout that nobody knows"),
    ],
)
def test_what_cannot_be_read_is_an_incident_until_it_can(
    settings: Settings, error: Exception, owner: str
) -> None:
    with pytest.raises(type(error)), sources.parsed(settings, "arbetsformedlingen"):
        raise error
    (incident,) = list_incidents(settings, open_only=True)
    assert (incident.check_id, incident.owner) == ("source_parsed_arbetsformedlingen", owner)
    assert str(error) in incident.summary and incident.action
    with sources.parsed(settings, "arbetsformedlingen"):
        pass
    assert list_incidents(settings, open_only=True) == []


def test_a_step_that_cannot_read_the_landing_opens_the_incident(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AME_HOME", str(settings.home))
    for step, source in ((steps.parse_af, "arbetsformedlingen"), (steps.parse_landing, "kolada")):
        with pytest.raises(LandingError):
            step(["20200101T000000000000Z-000000"])
        assert f"source_parsed_{source}" in [i.check_id for i in list_incidents(settings, open_only=True)]
        step([])
    assert list_incidents(settings, open_only=True) == []


def test_a_run_that_waits_for_another_one_is_no_incident(settings: Settings) -> None:
    with pytest.raises(BusyError), sources.parsed(settings, "kolada"):
        raise BusyError("another process is working in this AME_HOME")
    assert list_incidents(settings) == []


def test_the_step_opens_the_incident_and_the_next_fetch_resolves_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "POLITE_RPS", 1e6)
    for name, text in {
        "HOME": str(settings.home),
        "SOURCES": "live",
        "KOLADA_ATTEMPTS": "1",
        "KOLADA_BACKOFF": "0",
        "AF_URL": "http://127.0.0.1:9/sida",
    }.items():
        monkeypatch.setenv(f"AME_{name}", text)
    with pytest.raises(SourceUnavailableError):
        steps.fetch_af()
    assert [i.check_id for i in list_incidents(settings, open_only=True)] == [CHECK]
    book = made(lambda path: write(path, rom_book("2023-11", 0, True)))
    with AfServer(Site({"rusta-och-matcha_resultatuppfoljning-2023-11.xlsx": fixed(book)})) as server:
        monkeypatch.setenv("AME_AF_URL", server.url())
        assert steps.fetch_af()["changed"] is True
    assert list_incidents(settings, open_only=True) == []


class Dag:
    """A DAG whose only step ends as told."""

    def __init__(self, dag_id: str, error: AmeError | None = None, tags: tuple[str, ...] = ()) -> None:
        self.dag_id, self.error, self.tags = dag_id, error, set(tags)
        self.tasks = [SimpleNamespace(retries=2)]
        self.ran = False

    def test(self, run_conf: dict[str, Any]) -> SimpleNamespace:
        self.ran = True
        progress.started(self.dag_id)
        if self.error is None:
            progress.finished(self.dag_id, {})
            return SimpleNamespace(state="success")
        progress.failed(self.dag_id, self.error)
        return SimpleNamespace(state="failed")


def chain(monkeypatch: pytest.MonkeyPatch, settings: Settings, *dags: Dag) -> StepRecorder:
    monkeypatch.setattr(airflow_home, "prepare", lambda _settings: None)
    monkeypatch.setattr(runner, "_load", lambda _settings: list(dags))
    recorder = StepRecorder()
    with progress.watched_by(recorder):
        runner._run_chain(settings, RunOptions(), recorder)
    return recorder


def test_the_chain_goes_on_without_a_supporting_source(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    down = SourceUnavailableError("the page does not answer")
    af, kolada, build = Dag("ingest_af", down, (SUPPORTING,)), Dag("ingest_kolada"), Dag("build")
    recorder = chain(monkeypatch, settings, af, kolada, build)
    assert kolada.ran
    assert build.ran
    assert "the page does not answer" in recorder.unfetched["ingest_af"]
    assert recorder.error is None
    assert set(recorder.results) >= {"ingest_kolada", "build"}


@pytest.mark.parametrize(
    ("error", "tags"),
    [
        pytest.param(SourceUnavailableError("down"), (), id="the main source"),
        pytest.param(LandingError("disk full"), (SUPPORTING,), id="a fault of our own"),
    ],
)
def test_the_chain_stops_at_any_other_failure(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, error: AmeError, tags: tuple[str, ...]
) -> None:
    build = Dag("build")
    with pytest.raises(type(error)):
        chain(monkeypatch, settings, Dag("ingest", error, tags), build)
    assert not build.ran


def test_a_failure_after_a_source_that_was_set_aside_is_told_as_itself(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    af = Dag("ingest_af", SourceUnavailableError("down"), (SUPPORTING,))
    with pytest.raises(LandingError, match="disk full"):
        chain(monkeypatch, settings, af, Dag("build", LandingError("disk full")))
