"""Ten runs of the real pipeline: a fault appears, persists, is acknowledged, gets worse, goes, comes back.

Every run fetches from a Kolada server on loopback, builds, checks and publishes with the project's own
models and suites (cut down to three tables); the alerts go to a real SMTP server and a real webhook.
"""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from receivers import parts
from small_world import ALE, HARRYDA, TJORN, World, made, put
from tests.pipeline.home import ame

from ame_warehouse.alerts import delivery
from ame_warehouse.errors import CheckFailedError
from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.quality.incidents import IncidentStore, acknowledge, list_incidents
from ame_warehouse.quality.results import now_text
from ame_warehouse.settings import Settings

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]
FAULT, GRAVE = "participants_sexes_add_up", "participants_not_negative"
FOLLOWS = "participants_share_of_population"  # a negative number is no part of the population either


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made(tmp_path_factory.mktemp("ten-runs")) as world:
        yield world


@pytest.fixture(scope="module")
def ten_runs(world: World) -> World:
    data, settings = world.data, world.settings
    world.run()  # 1: all is well
    put(data, HARRYDA, 2022, total=400)  # women and men are 350 together
    world.run()  # 2: it appears
    world.run()  # 3: it persists
    acknowledge(settings, "INC-0001", "data_steward", "asked Härryda", now_text())
    world.run()  # 4: it is known
    put(data, ALE, 2022, total=500)
    world.run()  # 5: it is worse
    put(data, HARRYDA, 2022, total=350)
    put(data, ALE, 2022, total=350)
    world.run()  # 6: it is gone
    put(data, HARRYDA, 2022, total=410)
    world.run()  # 7: it is back
    put(data, TJORN, 2021, total=-5, women=-3, men=-2)
    with pytest.raises(CheckFailedError):
        world.run()  # 8: a grave one beside it; nothing is published
    assert ame(settings.home, "incidents", "rows", "INC-0002", "--json").json()[0]["municipality_id"] == TJORN
    put(data, TJORN, 2021, total=350)
    world.run()  # 9: the grave one is gone
    put(data, HARRYDA, 2022, total=350)
    world.run()  # 10: all is well again
    return world


def fields(text: str) -> dict[str, str]:
    """Return the fields of the first section of a message; in a mail the value is on the next line."""
    found: dict[str, str] = {}
    lines = [line.strip() for line in text.splitlines()]
    for line, following in pairwise(lines):
        name, colon, said = line.partition(":")
        if colon and len(name) < 15:
            found.setdefault(name, said.strip() or following)
    return found


def test_exactly_the_right_alerts_at_each_run(ten_runs: World) -> None:
    assert ten_runs.told == [0, 1, 0, 0, 1, 1, 1, 2, 2, 1]
    titles = [str(post["title"]) for post in ten_runs.hook.posts]
    assert titles == [
        f"[ame] WARNING {FAULT} new: Härryda (1401) (INC-0001)",
        f"[ame] WARNING {FAULT} is worse: Härryda (1401) and 1 more (INC-0001)",
        f"[ame] RESOLVED {FAULT} is resolved (INC-0001)",
        f"[ame] WARNING {FAULT} is back: Härryda (1401) (INC-0001)",
        f"[ame] ERROR {GRAVE} new: Tjörn (1419) (INC-0002)",
        f"[ame] WARNING {FOLLOWS} new: Tjörn (1419) (INC-0003)",
        f"[ame] RESOLVED {GRAVE} is resolved (INC-0002)",
        f"[ame] RESOLVED {FOLLOWS} is resolved (INC-0003)",
        f"[ame] RESOLVED {FAULT} is resolved (INC-0001)",
    ]
    assert [str(letter["Subject"]) for letter in ten_runs.mail.mails] == titles
    assert list_incidents(ten_runs.settings, open_only=True) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, ("Härryda (1401)", "2022", "sex_difference 50", "the values as they are")),
        (1, ("Härryda (1401)", "2022", "sex_difference 50", "the values as they are")),
        (3, ("Härryda (1401)", "2022", "sex_difference 60", "the values as they are")),
        (4, ("Tjörn (1419)", "2021", "participants -3", "the last good version")),
    ],
)
def test_each_message_says_what_who_and_how(
    number: int, expected: tuple[str, str, str, str], ten_runs: World
) -> None:
    place, year, found, readers = expected
    fetched = {path.name[:8] for path in (ten_runs.settings.landing / "kolada").iterdir()}
    days = {f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in fetched}
    text, html = parts(ten_runs.mail.mails[number])
    for message in (text, ten_runs.hook.posts[number]["message"]):
        said = fields(message)
        assert said["Municipality"] == place
        assert said["Year"] == year
        assert said["Measure"] == "ame_participants_total"
        assert said["Expected"] and found in said["Found"]
        assert said["Source"].removeprefix("kolada, fetched ") in days
        assert readers in said["Readers see"]
        assert said["Who acts"] in ("data_steward", "data_engineer") and len(said["What to do"]) > 20
        assert said["Failing rows"].startswith("ame incidents rows INC-000")
    for name, shown in fields(str(ten_runs.hook.posts[number]["message"])).items():
        assert f">{name}:</th><td>{escape(shown)}</td>" in html


def test_what_got_worse_names_every_place_and_who_knows_already(ten_runs: World) -> None:
    message = str(ten_runs.hook.posts[1]["message"])
    assert "Worse:        2 rows fail, 1 when last told or acknowledged" in message
    assert "Known to:     data_steward: asked Härryda" in message
    assert message.index("Härryda (1401)") < message.index("Ale (1440)") < message.index("sex_difference 150")


def test_the_history_tells_the_whole_story(ten_runs: World) -> None:
    events = [event["event"] for event in IncidentStore(ten_runs.settings).history("INC-0001")]
    assert events == [
        *("opened", "seen", "acknowledged", "seen", "seen", "resolved"),
        *("reopened", "seen", "seen", "resolved"),
    ]
    shown = ame(ten_runs.settings.home, "incidents", "show", "INC-0001").stdout
    assert "asked Härryda" in shown
    for event in set(events):
        assert event in shown
    with duckdb.connect(str(ten_runs.settings.published / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select incident_id, check_id, resolved_at is null, reopened_at is not null "
            "from quality.incidents order by 1"
        ).fetchall()
    assert rows == [
        ("INC-0001", FAULT, False, True),
        ("INC-0002", GRAVE, False, False),
        ("INC-0003", FOLLOWS, False, False),
    ]


def due(settings: Settings) -> None:
    """Let what waits be due now: the pauses themselves have a test of their own."""
    with sqlite3.connect(settings.quality / "outbox" / "outbox.sqlite") as con:
        con.execute("update messages set next_at = '2026-01-01T00:00:00'")
    con.close()


def test_from_the_mail_alone_to_the_failing_rows_and_receivers_that_fail(
    ten_runs: World, monkeypatch: pytest.MonkeyPatch, home_rows: Callable[[str], list[dict[str, Any]]]
) -> None:
    """An eleventh run with the webhook down; then it is slow, answers 500, and is well again."""
    settings, mail, hook = ten_runs.settings, ten_runs.mail, ten_runs.hook
    monkeypatch.setattr(delivery, "ROUTE_SECONDS", 4.0)
    put(ten_runs.data, HARRYDA, 2022, total=425)
    hook.stop()
    with pytest.raises(AssertionError, match="both receivers"):
        ten_runs.run()
    manifest = read_manifest(settings)
    assert manifest is not None and not manifest["stale"], "the run itself has succeeded"
    assert [i.check_id for i in list_incidents(settings, open_only=True)] == [FAULT]
    text, html = parts(mail.mails[-1])
    rows = home_rows(fields(text)["Failing rows"])
    assert [(r["municipality_id"], r["year"], r["gender"], r["participants"]) for r in rows] == [
        (HARRYDA, 2022, "T", 425.0)
    ]
    with duckdb.connect(str(settings.published / "warehouse.duckdb"), read_only=True) as con:
        kept = con.execute(f"select row_key, sex_difference from quality.failing_{FAULT}").fetchall()
    assert kept == [(r["row_key"], r["sex_difference"]) for r in rows]
    page = fields(text)["Data Docs"]
    assert page in html
    assert "Women and men together" in Path(page.removeprefix("file://")).read_text(encoding="utf-8")

    heard, letters = len(hook.posts), len(mail.mails)
    for mode in ("slow", "error"):
        hook.start(mode)
        due(settings)
        ten_runs.unchanged()
        assert len(hook.posts) == heard
        hook.stop()
    late = [i.check_id for i in list_incidents(settings, open_only=True) if i.check_id != FAULT]
    assert len(late) == 1 and late[0].startswith("alert_delivery_json_")
    assert [str(m["Subject"]) for m in mail.mails[letters:]] == [f"[ame] WARNING {late[0]} new (INC-0004)"]
    hook.start("ok")
    due(settings)
    ten_runs.unchanged()
    assert [str(p["title"]) for p in hook.posts[heard:]] == [
        f"[ame] WARNING {FAULT} is back: Härryda (1401) (INC-0001)"
    ]
    assert [i.check_id for i in list_incidents(settings, open_only=True)] == [FAULT]
    assert str(mail.mails[-1]["Subject"]) == f"[ame] RESOLVED {late[0]} is resolved (INC-0004)"
    ten_runs.unchanged()
    assert len(hook.posts) == heard + 1 and len(mail.mails) == letters + 2


@pytest.fixture
def home_rows(world: World) -> Callable[[str], list[dict[str, Any]]]:
    """Return a function that runs a command as it stands in a message, with --json."""

    def run(command: str) -> list[dict[str, Any]]:
        words = shlex.split(command)
        assert words[0] == "ame"
        done = ame(world.settings.home, *words[1:], "--json")
        assert done.status == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    return run
