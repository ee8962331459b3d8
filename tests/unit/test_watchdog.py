"""The daily watch: nothing published, stale, silent; one incident each, resolved when it is right again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from ame_warehouse.landing.store import FetchWriter, new_fetch_id
from ame_warehouse.pipeline import watchdog
from ame_warehouse.quality.incidents import list_incidents
from ame_warehouse.settings import Settings

NOW = datetime(2026, 3, 20, 6, 30, tzinfo=UTC)
ALL = {
    "watch_source_silent_kolada",
    "watch_nothing_runs",
    "watch_published_stale",
    "watch_published_intact",
}


@pytest.fixture(autouse=True)
def kolada_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """One source: what holds for it holds for the others."""
    monkeypatch.setattr(watchdog, "SILENCE_LIMITS", {"kolada": timedelta(days=15)})


@pytest.fixture
def settings(make_settings) -> Settings:
    return make_settings()


def land(
    settings: Settings,
    when: datetime,
    source: str = "kolada",
    *,
    outcome: str = "complete",
    mode: str = "sample",
    **more: object,
) -> str:
    fetch_id = new_fetch_id(when)
    FetchWriter(settings.landing, fetch_id, source).finish(
        {
            "fetch_id": fetch_id,
            "mode": mode,
            "finished_at": when.isoformat(),
            "measures": [{"kpi_id": "U40800", "outcome": outcome}],
            **more,
        }
    )
    return fetch_id


def publish(settings: Settings, newest_fetch: str, **more: object) -> None:
    settings.published.mkdir(parents=True, exist_ok=True)
    body = {
        "version": "v1",
        "sources": {"kolada": {"newest_fetch": newest_fetch}},
        "stale": False,
        "files": {},
        **more,
    }
    (settings.published / "manifest.json").write_text(json.dumps(body))


def statuses(settings: Settings, now: datetime = NOW) -> dict[str, str]:
    found: dict[str, str] = watchdog.watch(settings, now)["checks"]
    return found


def test_all_is_well(settings: Settings) -> None:
    publish(settings, land(settings, NOW - timedelta(days=3)))
    assert statuses(settings) == dict.fromkeys(ALL, "passed")
    assert list_incidents(settings) == []


def test_nothing_was_ever_fetched_or_published(settings: Settings) -> None:
    assert statuses(settings) == dict.fromkeys(ALL - {"watch_published_intact"}, "failed")
    open_now = list_incidents(settings, open_only=True)
    assert {i.check_id for i in open_now} == ALL - {"watch_published_intact"}
    assert all(i.action and i.owner == "operator" for i in open_now)


@pytest.mark.parametrize(("days", "status"), [(14, "passed"), (16, "failed")])
def test_a_source_is_silent_after_two_missed_rounds(days: int, status: str, settings: Settings) -> None:
    publish(settings, land(settings, NOW - timedelta(days=days)))
    assert statuses(settings)["watch_source_silent_kolada"] == status


@pytest.mark.parametrize(
    ("outcome", "mode"), [("failed", "sample"), ("unknown_id", "sample"), ("complete", "live")]
)
def test_a_fetch_that_brought_nothing_or_is_of_the_other_mode_breaks_no_silence(
    outcome: str, mode: str, settings: Settings
) -> None:
    publish(settings, land(settings, NOW - timedelta(days=20)))
    land(settings, NOW - timedelta(days=1), outcome=outcome, mode=mode)
    assert statuses(settings)["watch_source_silent_kolada"] == "failed"


@pytest.mark.parametrize(("hours", "status"), [(2, "passed"), (30, "failed")])
def test_what_has_landed_must_be_published_within_a_day(hours: int, status: str, settings: Settings) -> None:
    publish(settings, land(settings, NOW - timedelta(days=8)))
    land(settings, NOW - timedelta(hours=hours))
    assert statuses(settings)["watch_published_stale"] == status


@pytest.mark.parametrize(("changed", "status"), [(False, "passed"), (True, "failed")])
def test_a_poll_that_found_no_new_workbook_has_nothing_to_publish(
    changed: bool, status: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "arbetsformedlingen"
    monkeypatch.setattr(watchdog, "SILENCE_LIMITS", {source: timedelta(days=3)})
    built = land(settings, NOW - timedelta(days=9), source, changed=True)
    publish(settings, built, sources={source: {"newest_fetch": built}})
    # yesterday's poll; today's did not reach the page, so that there is no younger one
    land(settings, NOW - timedelta(hours=25), source, changed=changed)
    found = statuses(settings)
    assert found["watch_published_stale"] == status
    assert found[f"watch_source_silent_{source}"] == "passed", "it is a sign of life all the same"


def test_a_version_that_is_marked_stale_is_told_with_its_reason(settings: Settings) -> None:
    fetch_id = land(settings, NOW - timedelta(hours=1))
    publish(settings, fetch_id, stale=True, stale_since="2026-03-19", stale_reason="a check failed")
    assert statuses(settings)["watch_published_stale"] == "failed"
    [incident] = list_incidents(settings, open_only=True)
    assert "a check failed" in incident.summary


def test_one_fault_seen_many_times_is_one_incident_and_one_resolution(settings: Settings) -> None:
    publish(settings, land(settings, NOW - timedelta(days=20)))
    for day in range(3):
        watchdog.watch(settings, NOW + timedelta(days=day))
    [incident] = [i for i in list_incidents(settings, open_only=True) if "silent" in i.check_id]
    assert (incident.check_id, incident.times_seen) == ("watch_source_silent_kolada", 3)
    publish(settings, land(settings, NOW + timedelta(days=3)))
    assert watchdog.watch(settings, NOW + timedelta(days=3))["resolved"][0] == incident.incident_id
    assert list_incidents(settings, open_only=True) == []


@pytest.mark.parametrize(("days", "status"), [(7, "passed"), (9, "failed")])
def test_a_failed_fetch_is_a_sign_of_life_but_not_for_ever(
    days: int, status: str, settings: Settings
) -> None:
    publish(settings, land(settings, NOW - timedelta(days=days), outcome="failed"))
    assert statuses(settings)["watch_nothing_runs"] == status


def test_published_files_that_somebody_changed(settings: Settings) -> None:
    files = {"parquet/marts/costs.parquet": {"bytes": 4}}
    publish(settings, land(settings, NOW - timedelta(days=3)), files=files)
    path = settings.published / "parquet/marts/costs.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR")
    assert statuses(settings)["watch_published_intact"] == "failed"
    (incident,) = list_incidents(settings)
    assert "parquet/marts/costs.parquet differs" in incident.summary
    path.write_bytes(b"PAR1")
    assert statuses(settings)["watch_published_intact"] == "passed"
    assert not list_incidents(settings, open_only=True)
