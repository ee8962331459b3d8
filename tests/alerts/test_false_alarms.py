"""No false alarms: the sample raises nothing after its first run; the oddities of the field are warnings."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from receivers import Webhook
from tests.pipeline.home import SampleRun

from ame_warehouse.pipeline import steps
from ame_warehouse.quality import register
from ame_warehouse.quality.incidents import IncidentStore, list_incidents
from ame_warehouse.settings import PROJECT_ROOT, Settings

RUNS = 10
# What the figures of the field are like: odd, and no reason to hold anything back.
ODDITIES = {
    "a municipality that reported last year is silent this year": "gaps_new",
    "the parts of a composition are not 100 per cent together": "compositions_sum_100",
    "two municipalities have (nearly) the same row": "near_identical_rows",
    "a number of participants jumps": "participants_swing",
    "women and men are not all participants": "participants_sexes_add_up",
    "the source has revised a large part of a measure": "revisions_many",
    "the source has changed a definition": "landing_definition_unchanged",
    "a status text that nobody knows": "landing_status_known",
    "a measure was withdrawn": "landing_measure_volume",
    "a cost is far from the others in its group": "costs_outlier_in_group",
    "a report's words contradict its tables": "statements_hold",
    "a place name of Arbetsförmedlingen is unknown": "af_unknown_names_agrees",
    "a printed sum differs from its parts": "af_sum_differences_agrees",
    "two sources disagree": "cross_source_agrees",
    "a value that is no number": "quarantine_empty",
}


@pytest.mark.parametrize("check_id", ODDITIES.values(), ids=ODDITIES.keys())
def test_an_oddity_of_the_field_is_a_warning_with_something_to_do(check_id: str) -> None:
    entry = register.load(Settings(project=PROJECT_ROOT)).entry(check_id)
    assert entry.severity == "warning"
    assert len(entry.action) > 20


@pytest.mark.pipeline
def test_what_the_sample_raises_are_warnings(sample_run: SampleRun) -> None:
    found = list_incidents(Settings(_env_file=None, home=sample_run.home))
    assert {i.severity for i in found} == {"warning"}
    assert {i.check_id for i in found} == {"participants_swing", "compositions_sum_100", "gaps_new"}


@pytest.mark.pipeline
@pytest.mark.timeout(600)
def test_ten_runs_of_the_sample_raise_nothing_after_the_first(
    sample_run: SampleRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(sample_run.home, home, ignore=shutil.ignore_patterns("airflow", "build", ".locks"))
    for name in Settings.model_fields:
        monkeypatch.delenv(f"AME_{name.upper()}", raising=False)
    monkeypatch.setenv("AME_HOME", str(home))
    settings = Settings(_env_file=None, home=home)
    heard: list[int] = []
    with Webhook() as hook:
        monkeypatch.setenv("AME_ALERT_URLS", hook.url)
        for _ in range(RUNS):
            _run(steps.fetch_kolada, steps.parse_landing)
            _run(steps.fetch_af, steps.parse_af)
            assert not steps.plan_build()["needed"]
            heard.append(len(hook.posts))
    assert heard == [1] * RUNS, "the address hears once of what was open when it was set"
    store = IncidentStore(settings)
    assert {e["event"] for i in store.incidents() for e in store.history(i.incident_id)} == {"opened"}


def _run(fetch: Callable[[], dict], parse: Callable[[list[str]], dict]) -> None:
    parse(fetch()["fetch_ids"])
