"""What a publication changed: `quality.changes`, page, text, digest, `ame changes`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest
from tests.history.calls import ame
from tests.history.homes import publish_candidate

from ame_warehouse.alerts.outbox import Outbox
from ame_warehouse.history import backfill_log, changes, changes_page
from ame_warehouse.pipeline import build
from ame_warehouse.quality.results import RunState
from ame_warehouse.settings import Settings, load_settings

pytestmark = pytest.mark.pipeline

LATER = [f"2099010{n}T000000Z-0000000{n}" for n in range(1, 5)]
TJORN = (
    "measure_id = 'ame_participants_total' and gender = 'T' and municipality_id = '1419' and valid_to is null"
)
OF_TJORN = (
    f"update marts.observation_history set value = 82 where {TJORN} and year = 2019",
    f"update marts.observation_history set value = value + 1 where {TJORN} and year = 2021",
    "update marts.observation_history set value = null, missing_reason = 'withdrawn'"
    f" where {TJORN} and year = 2020",
    f"update marts.observation_history set value = 5, missing_reason = null where {TJORN} and year = 2022",
    "delete from quality.gaps where measure_id = 'ame_participants_total' and municipality_id = '1419'"
    " and year = 2022",
    "insert into quality.gaps by name select * replace (2016 as year) from quality.gaps"
    " where measure_id = 'ame_participants_total' and municipality_id = '1419' and year = 2017",
    "update marts.dim_measure set definition = 'a < b', unit = 'fte' where kpi_id = 'U40800'",
)
PEACEFUL = (
    "insert into marts.observation_history by name select * replace (2024 as year, '2024' as period,"
    f" 9 as value) from marts.observation_history where {TJORN} and year = 2019",
)


@pytest.fixture
def settings(own_home: Path) -> Settings:
    """A home with one published version; what is published later is a changed copy of its candidate."""
    found = load_settings()
    first = next((own_home / "build").glob("*Z-????????.duckdb"))
    first.rename(own_home / "build" / "template.duckdb")
    return found


def publish(
    settings: Settings, version: str, statements: tuple[str, ...] = (), *, is_told: bool = True
) -> None:
    """Publish a copy of the first candidate, with other values, and tell what it changed."""
    candidate = build.candidate_path(settings, version)
    shutil.copyfile(settings.build / "template.duckdb", candidate)
    with duckdb.connect(str(candidate)) as con:
        for sql in statements:
            con.execute(sql)
    RunState(version, {"built_at": "2099-01-01T00:00:00Z"}).save(build.state_path(settings, version))
    publish_candidate(settings, version)
    if is_told:
        changes_page.after_publication(settings, version)


def table(settings: Settings) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(
            "select version, change, subject_id, field, n, n_municipalities, period, value_before, "
            "value_after, difference, text_before, text_after from quality.changes order by all"
        ).fetchall()


def test_the_first_publication_changes_nothing_and_says_so(settings: Settings) -> None:
    assert table(settings) == []
    assert not changes_page.folder(settings).exists()
    called = ame("changes")
    assert called.status == 0
    assert "changed nothing, or was the first" in called.out
    assert "No publication has changed anything yet." in ame("changes", "--all").out


def test_a_publication_says_what_it_changed_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AME_ALERT_URLS", "json://127.0.0.1:9/x,info=jsons://127.0.0.1:9/y")
    settings = load_settings()
    publish(settings, LATER[0], OF_TJORN)
    expected = [
        (
            "gap_closed",
            "ame_participants_total",
            "value",
            1,
            1,
            "2022",
            None,
            5.0,
            None,
            "not_reported",
            None,
        ),
        (
            "gap_opened",
            "ame_participants_total",
            "value",
            1,
            1,
            "2016",
            None,
            None,
            None,
            None,
            "not_reported",
        ),
        ("revised", "ame_participants_total", "value", 2, 1, "2019", 81.0, 82.0, 1.0, None, None),
        ("withdrawn", "ame_participants_total", "value", 1, 1, "2020", 70.0, None, None, None, "withdrawn"),
    ]
    found = table(settings)
    assert [row[1:] for row in found if row[1] != "definition"] == expected
    definitions = {row[3]: (row[10], row[11]) for row in found if row[1] == "definition"}
    assert definitions["unit"] == ("persons", "fte")
    assert definitions["definition"][1] == "a < b"
    assert {row[0] for row in found} == {LATER[0]}

    page = (changes_page.folder(settings) / f"{LATER[0]}.html").read_text(encoding="utf-8")
    assert "Ändrade värden: 2" in page
    assert "Tjörn" in page
    assert "+1, +1,23 %" in page
    assert "a &lt; b" in page, "texts of the source are escaped"
    assert not re.findall(r"(?:src|href)=\"(?!#|index\.html|20)", page), "nothing from elsewhere"
    assert "http" not in page
    text = (changes_page.folder(settings) / f"{LATER[0]}.txt").read_text(encoding="utf-8")
    assert "Indragna värden: 1" in text
    assert LATER[0] in (changes_page.folder(settings) / "index.html").read_text(encoding="utf-8")

    waiting = Outbox(settings).waiting()
    assert len(waiting) == 2, "one message for each address that takes warnings"
    assert all(message.subject.startswith("[ame] CHANGED 2 revised, 1 withdrawn") for message in waiting)
    changes_page.after_publication(settings, LATER[0])
    assert len(Outbox(settings).waiting()) == 2

    publish(settings, LATER[1], OF_TJORN)
    assert table(settings) == found, "the same again changes nothing; what was said before stays"
    assert not (changes_page.folder(settings) / f"{LATER[1]}.html").exists()
    assert len(Outbox(settings).waiting()) == 2

    publish(settings, LATER[2], OF_TJORN + PEACEFUL)
    assert [row for row in table(settings) if row[0] == LATER[2]] == [
        (LATER[2], "added", "ame_participants_total", "value", 1, 1, "2024", None, 9.0, None, None, None)
    ]
    new = [message for message in Outbox(settings).waiting() if "1 added" in message.subject]
    assert [message.route for message in new] == [
        message.route for message in waiting if message.route.startswith("jsons_")
    ], "new values only are for those who take everything"


def test_ame_changes(settings: Settings) -> None:
    publish(settings, LATER[0], OF_TJORN)
    publish(settings, LATER[1], OF_TJORN + PEACEFUL)
    called = ame("changes")
    assert called.status == 0, called.err
    assert "Nya värden: 1" in called.out
    assert f"{LATER[1]}.html" in called.out
    report = ame("changes", LATER[0], "--json").json()
    assert {row["change"] for row in report["changes"]} == {
        "definition",
        "gap_closed",
        "gap_opened",
        "revised",
        "withdrawn",
    }
    assert report["page"].endswith(f"{LATER[0]}.html")
    listed = ame("changes", "--all", "--json").json()
    assert (listed[0]["version"], listed[0]["version_before"]) == (LATER[1], LATER[0])
    assert (listed[0]["added"], listed[1]["revised"]) == (1, 2)
    assert "revised" in ame("changes", "--all").out
    unknown = ame("changes", "20000101T000000Z-00000000")
    assert unknown.status == 2
    assert LATER[0] in unknown.err


def test_what_was_interrupted_is_told_by_the_next_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(changes_page, "_replace", broken)
        publish(settings, LATER[0], OF_TJORN)
    page = changes_page.folder(settings) / f"{LATER[0]}.html"
    assert not page.exists()
    assert changes_page.after_publication(settings, LATER[0]) == page
    assert page.is_file()
    assert not changes.details_path(settings, LATER[0]).exists()


def test_a_publication_that_is_repeated_loses_nothing(settings: Settings) -> None:
    """The step may be cleared, or be killed after the names were changed: the same version once more."""
    publish(settings, LATER[0], OF_TJORN, is_told=False)
    found = table(settings)
    assert {row[1] for row in found} == {"definition", "gap_closed", "gap_opened", "revised", "withdrawn"}
    publish(settings, LATER[0], OF_TJORN)
    assert table(settings) == found
    page = changes_page.folder(settings) / f"{LATER[0]}.html"
    text = page.read_text(encoding="utf-8")
    assert "Ändrade värden: 2" in text
    publish(settings, LATER[0], OF_TJORN)
    assert table(settings) == found
    assert page.read_text(encoding="utf-8") == text
    assert not changes.details_path(settings, LATER[0]).exists(), "nobody is told twice"
    changed = backfill_log._changed(settings, LATER[0], build.candidate_path(settings, LATER[0])) or {}
    assert {kind: n for kind, n in changed.items() if n} == {
        kind: sum(int(str(row[4])) for row in found if row[1] == kind) for kind in {row[1] for row in found}
    }
    publish(settings, LATER[1], OF_TJORN)
    assert table(settings) == found, "nor does the next one lose it"


def test_a_published_file_of_another_shape_holds_up_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with duckdb.connect(str(settings.published / "warehouse.duckdb")) as con:
        con.execute("drop table quality.changes")
        con.execute("drop table marts.observation_history cascade")
    publish(settings, LATER[0], OF_TJORN)
    assert table(settings) == []
    assert "cannot be said" in caplog.text
