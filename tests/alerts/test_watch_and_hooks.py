"""The watch from cron, the heartbeat, the commands, the refused build and Airflow's notifiers."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from receivers import SECRET, TOKEN, MailServer, Webhook
from simulated import Runs, check
from typer.testing import CliRunner

from ame_warehouse.alerts import delivery, notifier
from ame_warehouse.cli.main import app
from ame_warehouse.errors import CheckFailedError, SourceUnavailableError
from ame_warehouse.pipeline import build, locks, watchdog
from ame_warehouse.quality.incidents import IncidentStore, list_incidents
from ame_warehouse.quality.results import RunState
from ame_warehouse.settings import Settings

Home = Callable[..., Settings]
Ame = Callable[..., Any]


@pytest.fixture
def ame(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ame:
    """Return a function that runs `ame` with settings."""

    def run(settings: Settings, *arguments: str) -> Any:
        monkeypatch.chdir(tmp_path)
        for name, value in settings.model_dump().items():
            monkeypatch.setenv(f"AME_{name.upper()}", str(value))
        return CliRunner().invoke(app, list(arguments))

    return run


@pytest.fixture
def well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that finds nothing wrong."""
    monkeypatch.setattr(
        watchdog, "check", lambda *_: [check("watch_published_stale", status="passed", failing_rows=0)]
    )


def test_the_watch_tells_that_nothing_has_run_and_says_so_once(home: Home, hook: Webhook, ame: Ame) -> None:
    settings = home(hook.url, heartbeat_url=hook.heartbeat)
    (settings.published / "manifest.json").unlink()
    first = ame(settings, "watch", "--json")
    assert first.exit_code == 1
    report = json.loads(first.stdout)
    assert set(report["checks"].values()) == {"failed"}
    assert {"watch_nothing_runs", "watch_published_stale"} <= set(report["checks"])
    assert report["heartbeat"] == "sent", "the watch did its work"
    (post,) = hook.posts
    assert "watch_nothing_runs" in post["title"]
    assert "Does not hold: Something runs: a fetch or a build." in post["message"]
    assert "Found:        no trace of any run" in post["message"]
    second = ame(settings, "watch")
    assert second.exit_code == 1 and "WRONG  watch_nothing_runs" in second.stdout
    assert len(hook.posts) == 1 and len(hook.gets) == 2


@pytest.mark.usefixtures("well")
def test_the_watch_needs_no_lock_and_lets_the_outside_monitor_know(
    home: Home, hook: Webhook, ame: Ame
) -> None:
    settings = home(hook.url, heartbeat_url=hook.heartbeat)
    with locks.writer(settings, "a run that hangs"):
        done = ame(settings, "watch")
    assert done.exit_code == 0, done.output
    assert hook.gets == [f"/ping/{TOKEN}"]
    assert hook.posts == []


@pytest.mark.usefixtures("well")
def test_the_outside_monitor_is_left_waiting_when_alerts_do_not_arrive(
    home: Home, hook: Webhook, ame: Ame
) -> None:
    settings = home("json://127.0.0.1:1/x", heartbeat_url=hook.heartbeat)
    Runs(settings).run(check())
    waiting = ame(settings, "alerts", "outbox", "--json")
    assert [w["attempts"] for w in json.loads(waiting.stdout)] == [1]
    _due(settings)
    done = ame(settings, "watch")
    assert done.exit_code == 1
    assert "heartbeat withheld: alerts did not arrive" in done.stdout
    assert "alerts 0 arrived, 2 waiting" in done.stdout or "1 waiting" in done.stdout
    assert hook.gets == []
    assert any(i.check_id.startswith("alert_delivery_json_") for i in list_incidents(settings))


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize("mode", ["error", "drip"])
def test_a_monitor_that_does_not_answer_is_said(
    mode: str, home: Home, hook: Webhook, ame: Ame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "HEARTBEAT_SECONDS", 0.5)
    hook.mode = mode
    done = ame(home(heartbeat_url=hook.heartbeat), "watch")
    assert done.exit_code == 1
    assert "heartbeat not sent: " in done.stdout and TOKEN not in done.output


def test_a_watch_that_cannot_work_tells_past_the_outbox_and_is_missed(
    home: Home, hook: Webhook, ame: Ame
) -> None:
    settings = home(hook.url, heartbeat_url=hook.heartbeat)
    settings.quality.mkdir(parents=True)
    (settings.quality / "incidents.sqlite").write_bytes(b"no database " * 1000)
    assert ame(settings, "watch").exit_code == 1
    (post,) = hook.posts
    assert post["title"] == "[ame] ERROR the watch could not do its work"
    assert "the incident store cannot be used" in post["message"]
    assert "watch_nothing_runs" in post["message"], "what it saw is told all the same"
    assert hook.gets == []


def test_a_damaged_outbox_is_told_past_it_each_time(home: Home, hook: Webhook, ame: Ame) -> None:
    settings = home(hook.url, heartbeat_url=hook.heartbeat)
    folder = settings.quality / "outbox"
    folder.mkdir(parents=True)
    (folder / "outbox.sqlite").write_bytes(b"no database " * 1000)
    for _ in range(2):
        assert ame(settings, "watch").exit_code == 1
    assert [post["title"] for post in hook.posts] == ["[ame] ERROR the watch could not do its work"] * 2
    assert "the outbox of the alerts cannot be used" in hook.posts[0]["message"]
    assert hook.gets == [], "the outside monitor misses it too"
    (folder / "outbox.sqlite").unlink()
    assert ame(settings, "watch").exit_code == 1
    assert "watch_nothing_runs" in hook.posts[2]["title"], "what could not be told is told now"
    assert len(hook.posts) == 3 and len(hook.gets) == 1


def test_the_watch_works_without_anything_that_was_published(home: Home, hook: Webhook, ame: Ame) -> None:
    settings = home(hook.url)
    shutil.rmtree(settings.published)
    done = ame(settings, "watch", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["checks"]["watch_published_stale"] == "failed"
    assert "nothing is published" in hook.posts[0]["message"]


def test_alerts_test_says_which_address_took_it(
    home: Home, hook: Webhook, mail: MailServer, ame: Ame
) -> None:
    settings = home(hook.url, f"error@operator={mail.url}")
    done = ame(settings, "alerts", "test")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "arrived  route 1 (json, warning and worse, every owner)",
        "arrived  route 2 (mailto, error and worse, operator)",
    ]
    assert hook.posts[0]["title"] == "[ame] TEST alerts arrive here"
    assert "Åtgärd behövs inte." in hook.posts[0]["message"] and len(mail.mails) == 1
    hook.mode = "error"
    broken = ame(settings, "alerts", "test")
    assert broken.exit_code == 1
    assert "FAILED  route 1" in broken.stdout and "arrived  route 2" in broken.stdout
    assert SECRET not in broken.output and TOKEN not in broken.output


def test_nothing_waits(home: Home, ame: Ame) -> None:
    assert ame(home(), "alerts", "outbox").stdout == "Nothing waits: every alert has arrived.\n"


def test_the_failing_rows_are_one_command_away(home: Home, hook: Webhook, ame: Ame) -> None:
    settings = home(hook.url)
    Runs(settings).run(check())
    command = hook.posts[0]["message"].split("Failing rows: ame ")[1].split("\n")[0].split()
    shown = ame(settings, *command, "--json")
    assert shown.exit_code == 0, shown.output
    (row,) = json.loads(shown.stdout)
    assert (row["municipality_id"], row["municipality"], row["year"]) == ("1401", "Härryda", 2020)
    assert "quality.failing_compositions_sum_100 in " in ame(settings, *command).stdout


def test_a_refused_build_tells(home: Home, hook: Webhook) -> None:
    settings = home(hook.url)
    settings.build.mkdir(parents=True)
    state = RunState("20260302T043000Z-abcdef01", {}, {"marts": [check(severity="error")]})
    with pytest.raises(CheckFailedError):
        build._conclude(settings, state)
    (post,) = hook.posts
    assert post["title"].startswith("[ame] ERROR compositions_sum_100 new")
    assert "Readers see:  the last good version v7" in post["message"]


@pytest.fixture
def task(home: Home, hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, dict[str, Any]]:
    settings = home(hook.url)
    monkeypatch.setattr("ame_warehouse.settings.load_settings", lambda: settings)
    return settings, {"ti": SimpleNamespace(dag_id="ingest_kolada", task_id="land.fetch_kolada")}


def test_a_task_that_gave_up_is_told_once_and_resolved_by_its_success(
    task: tuple[Settings, dict[str, Any]], hook: Webhook
) -> None:
    _, context = task
    cause = SourceUnavailableError("Kolada cannot be reached", action="look at AME_KOLADA_URL")
    error = RuntimeError("failed")
    error.__cause__ = cause
    for _ in range(2):
        notifier.TaskFailed()({**context, "exception": error})
    notifier.TaskRecovered()(context)
    notifier.TaskRecovered()(context)
    assert [post["title"] for post in hook.posts] == [
        "[ame] ERROR task_failed_ingest_kolada_fetch_kolada new (INC-0001)",
        "[ame] RESOLVED task_failed_ingest_kolada_fetch_kolada is resolved (INC-0001)",
    ]
    assert "Kolada cannot be reached" in hook.posts[0]["message"]
    assert "look at AME_KOLADA_URL" in hook.posts[0]["message"]


def test_a_task_whose_step_has_told_already_is_not_told_again(
    task: tuple[Settings, dict[str, Any]], hook: Webhook
) -> None:
    settings, context = task
    Runs(settings).run(check(severity="error"))
    notifier.TaskFailed()({**context, "exception": CheckFailedError("1 check of severity error")})
    assert len(hook.posts) == 1
    assert len(list_incidents(settings)) == 1


def test_a_source_that_is_away_is_not_taken_for_another_one(
    task: tuple[Settings, dict[str, Any]], hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, context = task
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    IncidentStore(settings).record([check("source_fetched_arbetsformedlingen")], "fetch", now)
    error = SourceUnavailableError("it cannot be reached")
    notifier.TaskFailed()({**context, "exception": error})
    other = SimpleNamespace(dag_id="ingest_arbetsformedlingen", task_id="land.fetch_af")
    notifier.TaskFailed()({"ti": other, "exception": error})
    assert {i.check_id for i in list_incidents(settings)} == {
        "source_fetched_arbetsformedlingen",
        "task_failed_ingest_kolada_fetch_kolada",
    }
    assert len(hook.posts) == 2


def test_a_notifier_never_raises(task: tuple[Settings, dict[str, Any]]) -> None:
    notifier.TaskFailed()({"ti": object(), "exception": None})
    notifier.TaskFailed()({**task[1], "exception": "killed by the system"})
    assert IncidentStore(task[0]).get("INC-0001").summary.endswith("found killed by the system.")


def _due(settings: Settings) -> None:
    """Let what waits be due now."""
    with sqlite3.connect(settings.quality / "outbox" / "outbox.sqlite") as con:
        con.execute("update messages set next_at = '2026-01-01T00:00:00', created_at = '2026-01-01T00:00:00'")
