"""`ame quarantine` on rows of a workbook: no value can be given, the reading or the source has to change."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from gx_good_world import MARTS
from typer.testing import CliRunner

from ame_warehouse.cli.main import app
from ame_warehouse.errors import AmeError
from ame_warehouse.quality import releases
from ame_warehouse.settings import Settings

ROWS = """
insert into quality.quarantine by name
select id as quarantine_id, 'arbetsformedlingen' as source, state, false as is_releasable,
    'sok_lan_kom, age, row 7, column Antal' as place_in_source, 'ca 5' as raw_value,
    'The workbook: not a number.' as reason, 'sha' as object_sha256, 'f' as fetch_id
from (values ('Q-held', 'held'), ('Q-old', 'superseded')) as rows (id, state)
"""
SIGNED = ("--value", "5", "--by", "data_steward", "--note", "by telephone")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("AME_HOME", str(tmp_path / "home"))
    settings = Settings(_env_file=None, home=tmp_path / "home")
    settings.published.mkdir(parents=True)
    with duckdb.connect(str(settings.published / "warehouse.duckdb")) as con:
        con.execute(f"create schema quality; create table quality.quarantine ({MARTS['quality.quarantine']})")
        con.execute(ROWS)
    return settings


@pytest.mark.parametrize(
    ("name", "action"),
    [("Q-held", "`ame reparse` and `ame run`: it comes in by itself"), ("Q-old", "nothing has to be done")],
)
def test_a_cell_of_a_workbook_is_given_no_value(settings: Settings, name: str, action: str) -> None:
    done = CliRunner().invoke(app, ["quarantine", "release", name, *SIGNED])
    assert isinstance(done.exception, AmeError)
    assert "sok_lan_kom, age, row 7, column Antal" in str(done.exception)
    assert action in str(done.exception)
    assert releases.decisions(settings) == []


def test_what_waits_is_listed_and_what_was_replaced_on_request(settings: Settings) -> None:
    assert settings.home.exists()
    waiting = CliRunner().invoke(app, ["quarantine"]).stdout
    assert "Q-held" in waiting and "Q-old" not in waiting
    assert "Q-old" in CliRunner().invoke(app, ["quarantine", "--all"]).stdout
    shown = CliRunner().invoke(app, ["quarantine", "show", "Q-held"]).stdout
    assert "ca 5" in shown and "sok_lan_kom" in shown
