"""Explanations of gaps: what may be written, how long it holds, what a damaged file says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml

from ame_warehouse.errors import AmeError, SettingsError
from ame_warehouse.quality import explained_gaps
from ame_warehouse.quality.explained_gaps import Explanation
from ame_warehouse.settings import PROJECT_ROOT, Settings

ROW = Explanation(
    "a", "0180", 2021, 2022, "data_steward", date(2026, 1, 1), date(2026, 6, 30), 'new "system", late'
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", project=tmp_path / "project")


def test_what_is_written_is_read_again(settings: Settings) -> None:
    assert explained_gaps.own(settings) == []
    open_ended = replace(ROW, year_to=None, expires_on=None, note="two lines")
    assert explained_gaps.add(settings, [ROW, replace(open_ended, note=" two\r\nlines"), ROW]) == 2
    assert explained_gaps.own(settings) == [ROW, open_ended]
    assert explained_gaps.add(settings, [ROW]) == 0, "the same explanation again adds nothing"
    assert explained_gaps.own(settings) == [ROW, open_ended]
    assert [p.name for p in settings.quality.iterdir()] == ["acknowledged_gaps.csv"]


def test_a_file_that_a_spreadsheet_has_marked_as_utf8_is_read(settings: Settings) -> None:
    explained_gaps.add(settings, [ROW])
    path = explained_gaps.store_path(settings)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert explained_gaps.own(settings) == [ROW]


@pytest.mark.parametrize(
    "note",
    [
        "new system; 'late answer'",
        "Tjörn's answer | 'KAS 2022'",
        "'late'",
        'they say "next year", in writing',
        "50 %;'i.u.'\t#",
        "first line\rsecond line",
        "\\",
    ],
)
def test_whatever_people_write_dbt_reads_the_same(note: str, settings: Settings) -> None:
    explained_gaps.add(settings, [replace(ROW, note=note)])
    declared = yaml.safe_load(
        (PROJECT_ROOT / "dbt_project/models/staging/_warehouse__sources.yml").read_text()
    )
    location = declared["sources"][0]["tables"][0]["meta"]["external_location"]
    readable = re.sub(r"\{\{.*\}\}", str(explained_gaps.store_path(settings)), location)
    with duckdb.connect() as con:
        found = con.execute(f"select * from {readable}").fetchall()
    assert found == explained_gaps.in_force(settings, ROW.acknowledged_on)
    assert found[0][-1] == " ".join(note.split())


@pytest.mark.parametrize(
    ("day", "holds"),
    [("2025-12-31", False), ("2026-01-01", True), ("2026-06-30", True), ("2026-07-01", False)],
)
def test_it_holds_from_its_first_day_through_its_last(settings: Settings, day: str, holds: bool) -> None:
    explained_gaps.add(settings, [ROW])
    assert bool(explained_gaps.in_force(settings, date.fromisoformat(day))) is holds
    assert replace(ROW, expires_on=None).holds_on(date(2999, 1, 1))


def test_seed_and_store_count_together(settings: Settings) -> None:
    settings.seeds.mkdir(parents=True)
    (settings.seeds / "acknowledged_gaps.csv").write_text(
        ",".join(explained_gaps.COLUMNS) + "\nb,1480,2020,,analyst,2026-02-01,2026-12-31,seeded\n",
        encoding="utf-8",
    )
    explained_gaps.add(settings, [ROW])
    held = explained_gaps.in_force(settings, date(2026, 3, 1))
    assert [row[0] for row in held] == ["a", "b"]
    assert explained_gaps.in_force(settings, date(2026, 1, 15)) == [held[0]]


@pytest.mark.parametrize(
    "wrong",
    [{"note": "  "}, {"acknowledged_by": ""}, {"year_from": 2023, "year_to": 2022}],
)
def test_half_an_explanation_is_refused_and_nothing_is_written(
    settings: Settings, wrong: dict[str, str | int]
) -> None:
    with pytest.raises(SettingsError):
        explained_gaps.add(settings, [ROW, replace(ROW, **wrong)])  # type: ignore[arg-type]
    assert explained_gaps.own(settings) == []


@pytest.mark.parametrize("text", ["soon", "2026-02-30", "2026-01-14", "2099-01-01", ""])
def test_a_last_day_is_a_day_ahead(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        explained_gaps.last_day(text, date(2026, 1, 15))
    assert "2026-01-15" in str(caught.value.expected)
    assert explained_gaps.last_day(" 2026-01-15 ", date(2026, 1, 15)) == date(2026, 1, 15)


def test_an_explanation_can_be_ended_and_stays_as_a_row(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explained_gaps, "today", lambda: date(2026, 3, 1))
    explained_gaps.add(settings, [ROW])
    ended = explained_gaps.end(settings, 1, by="analyst", note="they answered")
    assert ended.expires_on == date(2026, 2, 28)
    assert "ended by analyst, 2026-03-01: they answered" in ended.note
    assert explained_gaps.own(settings) == [ended]
    assert explained_gaps.in_force(settings, date(2026, 3, 1)) == []
    for number in (0, 1, 2):
        with pytest.raises(AmeError, match="no explanation"):
            explained_gaps.end(settings, number, by="analyst", note="again")
    with pytest.raises(SettingsError):
        explained_gaps.end(settings, 1, by=" ", note="again")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("measure_id,note\na,b\n", "line 1"),
        (",".join(explained_gaps.COLUMNS) + "\na,0180,MMXX,,r,2026-01-01,,n\n", "line 2"),
        (",".join(explained_gaps.COLUMNS) + "\na,0180,2020,,r,2026-13-01,,n\n", "line 2"),
        (",".join(explained_gaps.COLUMNS) + "\na,0180,2020\n", "line 2"),
    ],
)
def test_a_damaged_file_names_its_line(settings: Settings, text: str, line: str) -> None:
    path = explained_gaps.store_path(settings)
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AmeError) as caught:
        explained_gaps.own(settings)
    assert line in str(caught.value.found)
    assert caught.value.source == str(path)


def test_a_directory_that_may_not_be_written_is_a_readable_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(AmeError):
        explained_gaps.add(settings, [ROW])
