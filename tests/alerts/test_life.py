"""Ten runs of one fault, routes, receivers that are down, slow or broken, and secrets that stay secret."""

from __future__ import annotations

import importlib
import itertools
import logging
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from receivers import SECRET, TOKEN, MailServer, Webhook
from simulated import Runs, check

from ame_warehouse.alerts import delivery, routes, tell
from ame_warehouse.alerts.outbox import Outbox
from ame_warehouse.errors import SettingsError
from ame_warehouse.quality.incidents import acknowledge, list_incidents
from ame_warehouse.quality.results import CheckResult
from ame_warehouse.settings import Settings

Home = Callable[..., Settings]


def titles(hook: Webhook) -> list[str]:
    return [str(post["title"]) for post in hook.posts]


def open_checks(settings: Settings) -> list[str]:
    return [i.check_id for i in list_incidents(settings, open_only=True)]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Receivers that do not answer are given up after two seconds; they would take a minute."""
    importlib.import_module("apprise")  # what is loaded at the first message takes none of their time
    monkeypatch.setattr(delivery, "ROUTE_SECONDS", 2.0)


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_ten_runs_of_one_fault_give_exactly_the_right_alerts(
    severity: str, home: Home, mail: MailServer, hook: Webhook
) -> None:
    settings = home(mail.url, hook.url)
    runs = Runs(settings)
    fault = check(severity=severity)
    good = check(severity=severity, status="passed", failing_rows=0, found="all rows")
    worse = check(severity=severity, failing_rows=5, found="5 of 146 rows")
    after_each = []
    for number, result in enumerate(
        [good, fault, fault, fault, fault, worse, worse, good, fault, good], start=1
    ):
        if number == 4:
            acknowledge(settings, "INC-0001", "data_steward", "asked Härryda", "2026-03-05T12:00:00")
        runs.run(result)
        after_each.append(len(hook.posts))
    assert after_each == [0, 1, 1, 1, 1, 2, 2, 3, 4, 5]
    mark = severity.upper()
    assert titles(hook) == [
        f"[ame] {mark} compositions_sum_100 new: Härryda (1401) (INC-0001)",
        f"[ame] {mark} compositions_sum_100 is worse: Härryda (1401) (INC-0001)",
        "[ame] RESOLVED compositions_sum_100 is resolved (INC-0001)",
        f"[ame] {mark} compositions_sum_100 is back: Härryda (1401) (INC-0001)",
        "[ame] RESOLVED compositions_sum_100 is resolved (INC-0001)",
    ]
    assert "Worse:        5 rows fail, 1 when last told or acknowledged" in hook.posts[1]["message"]
    assert "Known to:     data_steward: asked Härryda" in hook.posts[1]["message"]
    assert "Known to" not in hook.posts[3]["message"], "who knew of it then may not know that it is back"
    assert "Earlier:      open from 20" in hook.posts[3]["message"]
    assert [letter["Subject"] for letter in mail.mails] == titles(hook)


def test_a_second_municipality_does_not_make_the_first_one_worse(home: Home, hook: Webhook) -> None:
    """A check that tells its faults apart counts the rows of each: one new fault is one alert."""
    runs = Runs(home(hook.url))
    rows = tuple((f"{1400 + i}", f"Kommun Å{i}", "education_5", 2022, "i.u.") for i in range(3))

    def silent(*numbers: int) -> CheckResult:
        names = [f"Kommun Å{i % 10}" for i in numbers]
        counts = {name: names.count(name) for name in names}
        return check(
            "gaps_new", failing_rows=len(names), scopes=dict.fromkeys(names, "i.u."), scope_rows=counts
        )

    runs.run(silent(0), rows=rows)
    runs.run(silent(0, 1), rows=rows)
    runs.run(silent(0, 1, 11), rows=rows)
    assert titles(hook) == [
        "[ame] WARNING gaps_new new: Kommun Å0 (1400) (INC-0001)",
        "[ame] WARNING gaps_new new: Kommun Å1 (1401) (INC-0002)",
        "[ame] WARNING gaps_new is worse: Kommun Å1 (1401) (INC-0002)",
    ]
    assert "2 rows fail, 1 when last told" in hook.posts[2]["message"]


def test_more_than_was_acknowledged_is_told_again(home: Home, hook: Webhook) -> None:
    settings = home(hook.url)
    runs = Runs(settings)
    runs.run(check(failing_rows=5))
    runs.run(check(failing_rows=2))
    acknowledge(settings, "INC-0001", "data_steward", "two are known", runs.now.isoformat()[:19])
    runs.run(check(failing_rows=2))
    assert len(hook.posts) == 1
    runs.run(check(failing_rows=3))
    assert "Worse:        3 rows fail, 2 when last told or acknowledged" in hook.posts[1]["message"]
    runs.run(check(failing_rows=3))
    assert len(hook.posts) == 2


def test_an_acknowledgement_that_has_ended_is_told_once(home: Home, hook: Webhook) -> None:
    settings = home(hook.url)
    runs = Runs(settings)
    runs.run(check())
    last_day = (runs.now + timedelta(days=2)).date().isoformat()
    acknowledge(settings, "INC-0001", "data_steward", "asked", runs.now.isoformat()[:19], until=last_day)
    runs.run(check())
    runs.run(check())
    assert len(hook.posts) == 1, "through the last day nobody is told"
    runs.run(check())
    assert titles(hook)[1].endswith("is open still, its acknowledgement has ended: Härryda (1401) (INC-0001)")
    assert "Known to" not in hook.posts[1]["message"]
    runs.run(check())
    assert len(hook.posts) == 2
    acknowledge(settings, "INC-0001", "data_steward", "asked again", runs.now.isoformat()[:19])
    runs.now += timedelta(days=400)
    runs.run(check())
    assert len(hook.posts) == 2, "without a last day it holds"


def test_a_fault_that_comes_back_much_later_names_the_incident_before(home: Home, hook: Webhook) -> None:
    runs = Runs(home(hook.url))
    runs.run(check())
    runs.run(check(status="passed", failing_rows=0))
    runs.now += timedelta(days=31)
    runs.run(check())
    assert titles(hook)[-1].endswith("is back: Härryda (1401) (INC-0002)")
    assert "Earlier:      INC-0001, resolved since" in hook.posts[-1]["message"]


def test_a_run_that_was_killed_before_it_told_is_told_by_the_next(
    home: Home, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(home(hook.url))
    with monkeypatch.context() as patch:
        patch.setattr(tell, "_tell", lambda *_: (_ for _ in ()).throw(KeyError("killed")))
        assert runs.run(check()).failed == {"outbox": "KeyError"}
    runs.run(check())
    assert len(hook.posts) == 1


def test_addresses_that_come_later_hear_of_what_is_open(home: Home, hook: Webhook) -> None:
    runs = Runs(home())
    assert runs.run(check(), check("gone")).notices == 0
    runs.run(check(), check("gone", status="passed"))
    runs.settings = runs.settings.model_copy(update={"alert_urls": hook.url})
    runs.run(check())
    assert len(hook.posts) == 1 and "compositions_sum_100" in titles(hook)[0]


@pytest.mark.parametrize("mode", ["down", "error", "slow", "drip"])
@pytest.mark.usefixtures("hurried")
def test_a_receiver_that_fails_neither_stops_nor_delays_the_run_and_gets_it_later(
    mode: str, home: Home, mail: MailServer
) -> None:
    hook = Webhook()
    settings = home(hook.url, f"error={mail.url}")
    runs = Runs(settings)
    if mode != "down":
        hook.start(mode)
    started = time.monotonic()
    outcome = runs.run(check())
    assert time.monotonic() - started < 30
    assert list(outcome.failed) == [w.route for w in Outbox(settings).waiting()]
    assert open_checks(settings) == ["compositions_sum_100"], "one failure is no incident yet"
    runs.run(check())
    name = f"alert_delivery_{Outbox(settings).waiting()[0].route}"
    assert open_checks(settings) == ["compositions_sum_100", name]
    (letter,) = mail.mails
    assert letter["Subject"].startswith(f"[ame] WARNING {name} new"), "the other route tells, whoever owns it"
    hook.stop()
    hook.start("ok")
    runs.run(check())
    assert len(titles(hook)) == 1 and "compositions_sum_100 new" in titles(hook)[0]
    assert Outbox(settings).waiting() == []
    assert open_checks(settings) == ["compositions_sum_100"]
    assert mail.mails[-1]["Subject"].startswith(f"[ame] RESOLVED {name}")
    assert len(mail.mails) == 2
    hook.stop()


def test_a_message_too_long_for_its_receiver_comes_in_parts_and_holds_up_nothing(
    home: Home, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord takes 2 000 letters: what it refuses would wait for ever, and all behind it."""
    monkeypatch.setattr("apprise.plugins.custom_json.NotifyJSON.body_maxlen", 500)
    settings, hook.most = home(hook.url), 500
    Runs(settings).run(check())
    assert len(hook.posts) > 1
    assert all(len(post["message"]) <= hook.most for post in hook.posts)
    whole = "".join(post["message"] for post in hook.posts)
    assert "What:" in whole and "All open incidents: ame incidents" in whole
    assert Outbox(settings).waiting() == []


@pytest.mark.usefixtures("hurried")
def test_mail_that_is_refused_or_hangs_waits(home: Home, mail: MailServer) -> None:
    runs = Runs(home(mail.url))
    for mode in ("refuse", "slow"):
        mail.mode = mode
        assert runs.run(check()).waiting == 1
    mail.mode = "ok"
    assert runs.run(check()).waiting == 0
    assert [letter["Subject"][:35] for letter in mail.mails] == ["[ame] WARNING compositions_sum_100 "]


def test_the_pauses_grow(home: Home) -> None:
    settings = home("json://127.0.0.1:1/x")
    runs = Runs(settings)
    runs.run(check())
    pauses, attempts = [], 1
    while attempts < 5:
        runs.now += timedelta(minutes=1)
        tell.tell(settings, runs.now)
        (waiting, *_) = Outbox(settings).waiting()
        if waiting.attempts > attempts:
            attempts = waiting.attempts
            pauses.append(waiting.next_at)
            runs.now += timedelta(minutes=2 * attempts**3)
    gaps = [b > a for a, b in itertools.pairwise(pauses)]
    assert attempts == 5 and all(gaps)


def test_a_corrected_address_gets_what_waited(home: Home, hook: Webhook) -> None:
    runs = Runs(home("json://127.0.0.1:1/x"))
    runs.run(check())
    runs.settings = runs.settings.model_copy(update={"alert_urls": hook.url})
    runs.run(check())
    assert len(hook.posts) == 1


def test_no_secret_reaches_a_log_the_outbox_or_an_incident(
    home: Home, hook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = home(hook.url, f"mailto://anna:{SECRET}@127.0.0.1:1?to=b@c.se&from=a@c.se&mode=insecure")
    runs = Runs(settings)
    hook.mode = "error"
    for _ in range(3):
        runs.run(check())
    assert "did not reach route 1 (json, warning and worse, every owner)" in caplog.text
    everything = caplog.text + str(list_incidents(settings)) + str(routes.parse(settings))
    files = b"".join(path.read_bytes() for path in settings.quality.rglob("*") if path.is_file())
    for secret in (SECRET, TOKEN):
        assert secret not in everything
        assert secret.encode() not in files
    assert "alert_delivery_json_" in everything


def test_routes_choose_by_severity_and_owner() -> None:
    settings = Settings(
        _env_file=None,
        alert_urls="json://all, error=json://errors,warning@operator+data_engineer=json://ops?to=a,b,info=json://i",
    )
    found = routes.parse(settings)
    assert [(r.minimum, r.owners) for r in found] == [
        ("warning", ()),
        ("error", ()),
        ("warning", ("operator", "data_engineer")),
        ("info", ()),
    ]
    assert found[2].url == "json://ops?to=a,b"

    def chosen(severity: str, owner: str) -> list[int]:
        return [r.position for r in routes.choose(found, severity, owner)]

    assert chosen("error", "operator") == [1, 2, 3, 4]
    assert chosen("warning", "data_steward") == [1, 4]
    only = [found[2]]
    assert routes.choose(only, "error", "data_steward") == only, "an error that nobody takes goes to all"
    assert routes.choose(only, "warning", "data_steward") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fatal=json://x/T0ken-4711-abc", "severity 'fatal'"),
        ("@boss=json://x/T0ken-4711-abc", "owner 'boss'"),
        ("slack://T0ken-4711-abc", "slack:// that Apprise cannot use"),
        ("T0ken-4711-abc", "no address of the form"),
    ],
)
def test_a_wrong_route_is_told_without_its_address(
    text: str, expected: str, home: Home, hook: Webhook
) -> None:
    settings = home(hook.url, text)
    if "://" not in text:
        settings = home(text, hook.url)
    with pytest.raises(SettingsError) as caught:
        routes.parse(settings)
    assert expected in str(caught.value) and TOKEN not in str(caught.value)
    Runs(settings).run(check())
    assert len(hook.posts) == 1, "the routes that can be used are used"
    assert "alert_routes_usable" in titles(hook)[0]


def test_parallel_deliveries_send_each_message_once(home: Home, hook: Webhook) -> None:
    from concurrent.futures import ThreadPoolExecutor

    settings = home(hook.url)
    Runs(home()).run(check())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tell.tell(settings), range(4)))
    assert len(hook.posts) == 1
