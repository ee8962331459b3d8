"""What a careless or ill-meaning hand does to commands, settings and the manifest: one readable message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ame_warehouse.atlas import build as atlas
from ame_warehouse.cli import main, names
from ame_warehouse.errors import AmeError, SettingsError
from ame_warehouse.history import as_of, backfill_log
from ame_warehouse.pipeline import published
from ame_warehouse.pipeline.ingest import chosen_places
from ame_warehouse.publish import manifest as manifests
from ame_warehouse.publish import rollback
from ame_warehouse.quality.backfill_table import write_backfills
from ame_warehouse.settings import load_settings

AME = Path(sys.executable).with_name("ame")
SOUND = {
    "version": "20260101T000000Z-0a1b2c3d",
    "stale": False,
    "sources": {"kolada": {"mode": "sample"}},
    "files": {"warehouse.duckdb": {"bytes": 1, "sha256": "0"}},
    "row_counts": {"marts.costs": 90},
    "rollback": None,
}
EDITED: tuple[dict[str, Any], ...] = (
    {"version": None},
    {"version": 5},
    {"sources": [1]},
    {"sources": {"kolada": None}},
    {"files": [1]},
    {"files": {"warehouse.duckdb": {}}},
    {"files": {"warehouse.duckdb": {"bytes": "many"}}},
    {"row_counts": {"a": "b"}},
    {"tables": 3},
    {"rollback": "yes"},
    {"rollback": {}},
    {"stale": "maybe"},
)


def ame(*arguments: bytes | str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, **environment}
    return subprocess.run([AME, *arguments], capture_output=True, env=env, check=False)


def test_an_argument_that_is_no_text() -> None:
    done = ame("quarantine", "show", b"\xff")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"ame: an argument is no text" in done.stderr
    assert b"Traceback" not in done.stderr


def test_output_to_a_program_is_utf8_whatever_the_locale() -> None:
    done = ame("dictionary", "kön", "--json", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "kön" in done.stdout.decode("utf-8")
    assert json.loads(done.stdout)


def test_a_closed_output_is_no_fault() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"'{AME}' checks >&-"], capture_output=True, check=False, env=dict(os.environ)
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_error_that_nobody_foresaw_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        main.fail(None)  # type: ignore[arg-type]

    monkeypatch.setattr(main, "app", broken)
    monkeypatch.setattr(sys, "argv", ["ame"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "AttributeError: 'NoneType' object has no attribute 'message'" in said
    assert "main.py, line" in said
    assert "Traceback" not in said


def test_a_name_typed_with_combining_characters_is_the_same_name() -> None:
    with duckdb.connect() as con:
        con.execute("create schema marts")
        con.execute(
            "create table marts.dim_municipality as select '1419' municipality_id, 'Tjörn' municipality"
        )
        assert names.municipality_ids(con, ["Tjo\u0308rn", "TJÖRN", "1419"]) == ["1419"] * 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AME_HOME", "~nobody-of-this-name/data"),
        ("AME_KOLADA_URL", "https://[::1"),
        ("AME_KOLADA_URL", "http://x:99999/v3"),
        ("AME_AF_URL", "http://"),
        ("AME_AF_URL", "http://a b/"),
        ("AME_KOLADA_TIMEOUT", "inf"),
        ("AME_KOLADA_TIMEOUT", "nan"),
        ("AME_KOLADA_BACKOFF", "1e400"),
        ("AME_FETCH_MINUTES", "inf"),
        ("AME_KEEP_DAYS", "9" * 30),
        ("AME_MEMORY_LIMIT", "1GB'; drop table x; --"),
        ("AME_MEMORY_LIMIT", "0GB"),
        ("AME_MEMORY_LIMIT", ""),
        ("AME_PUBLIC_URL", "\udcff"),
        ("AME_SERVE_DSN", "\udcff"),
    ],
)
def test_a_setting_that_cannot_be_meant(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"the setting {name} cannot be used") as caught:
        load_settings()
    assert caught.value.expected
    str(caught.value).encode()


@pytest.mark.parametrize("memory", ["1GB", "800MB", "1.5 GiB", "512mb"])
def test_an_amount_of_memory_is_taken_by_duckdb(memory: str, make_settings: Any) -> None:
    with duckdb.connect(config={"memory_limit": make_settings(memory_limit=memory).memory_limit}) as con:
        assert con.execute("select 1").fetchone() == (1,)


def test_a_refused_address_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AME_KOLADA_URL", "https://me:hemligt@example.org/v3")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hemligt" not in str(caught.value)


def test_a_broken_env_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(b"AME_SOURCES=\xff\xfe\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"the file \.env cannot be read"):
        load_settings()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "1e400",
        "[" * 100_000,
        json.dumps(SOUND)[:-5],
        *(json.dumps(SOUND | change) for change in EDITED),
    ],
)
def test_a_manifest_that_somebody_edited(content: str, make_settings: Any) -> None:
    """It is as if there were none: commands say so, `ame versions` lists it as damaged."""
    settings = make_settings()
    version = settings.published / "versions" / "v1"
    version.mkdir(parents=True)
    for path in (settings.published / "manifest.json", version / "manifest.json"):
        path.write_text(content, encoding="utf-8")
    assert manifests.read_manifest(settings) is None
    with pytest.raises(AmeError, match="the manifest of the published version cannot be read") as caught:
        published.read_manifest(settings)
    assert caught.value.found
    assert caught.value.action
    assert [(one["version"], one["is_complete"]) for one in rollback.kept(settings)] == [("v1", False)]
    with pytest.raises(AmeError, match="v1 is damaged"):
        rollback.put_back(settings, "v1", by="operator", reason="test")


def test_a_sound_manifest_is_read_as_it_is(make_settings: Any) -> None:
    settings = make_settings()
    manifests.write_json(manifests.manifest_path(settings), {**SOUND, "later": [1]})
    assert manifests.read_manifest(settings) == published.read_manifest(settings) == {**SOUND, "later": [1]}


@pytest.mark.parametrize("place", ["airflow/airflow.db", "quality/incidents.sqlite", ".locks/x", "landing/x"])
def test_what_the_pipeline_needs_is_no_place_for_a_file_of_as_of(place: str, make_settings: Any) -> None:
    settings = make_settings()
    with pytest.raises(SettingsError, match="cannot be written there"):
        as_of._target(settings, date(2023, 6, 4), settings.home / place)


def test_as_of_replaces_a_database_and_nothing_else(tmp_path: Path, make_settings: Any) -> None:
    notes, database = tmp_path / "notes.txt", tmp_path / "old.duckdb"
    notes.write_text("do not lose me")
    duckdb.connect(str(database)).close()
    with pytest.raises(SettingsError, match="no DuckDB file"):
        as_of._target(make_settings(), date(2023, 6, 4), notes)
    with pytest.raises(SettingsError):
        as_of._target(make_settings(), date(2023, 6, 4), tmp_path)
    assert as_of._target(make_settings(), date(2023, 6, 4), database) == database


def test_the_atlas_is_not_made_among_the_files_of_the_pipeline(make_settings: Any) -> None:
    settings = make_settings()
    manifests.write_json(manifests.manifest_path(settings), SOUND)
    with pytest.raises(AmeError, match="cannot be made there") as caught:
        atlas.make(settings, settings.landing / "atlas")
    assert "keeps for itself" in str(caught.value)
    assert not settings.landing.exists()


def test_a_published_file_without_a_table(make_settings: Any) -> None:
    """The file of an older release, or an edited one: no traceback, and no Python object instead."""
    settings = make_settings()
    settings.published.mkdir(parents=True)
    duckdb.connect(str(settings.published / "warehouse.duckdb")).close()
    gaps = duckdb.sql  # noqa: F841 - a name that DuckDB would take for the table
    with pytest.raises(AmeError, match="has not what this command reads") as caught:  # noqa: SIM117
        with published.open_published(settings) as con:
            con.execute("select * from gaps")
    assert "Table with name gaps does not exist" in str(caught.value)


ORDER = {"measures": ["U40800"], "municipalities": None, "years": [2022]}
LANDED = {"requests": 3, "fetch_ids": ["f1"], "measures": {"complete": 1}}


@pytest.mark.parametrize("reason", ["two\u2028lines", "next\x85line", "half a pair \ud800", "a \0 within"])
def test_whatever_reason_is_given_a_backfill_is_logged_and_can_be_published(
    reason: str, make_settings: Any
) -> None:
    settings = make_settings()
    entry = backfill_log.begin(settings, ORDER, "airflow", reason)
    backfill_log.fetched(settings, entry, LANDED)
    (found,) = backfill_log.logged(settings)
    assert (found["backfill_id"], found["outcome"]) == (entry["backfill_id"], "fetched")
    assert "\0" not in found["reason"]
    with duckdb.connect() as con:
        write_backfills(con, backfill_log.logged(settings))
        assert con.execute("select reason from quality.backfills").fetchall() == [(found["reason"],)]


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        '{"backfill_id": 1}',
        '{"backfill_id": []}',
        '{"backfill_id": "x", "outcome": "fetched"}',
        '{"backfill_id": "x", "outcome": "fetched", "started_at": "2026-01-01T00:00:00Z"}',
        '{"backfill_id": "x", "outcome": "failed", "started_at": "yesterday"}',
        '{"backfill_id": "x", "outcome": "failed", "started_at": "2026-01-01T00:00:00"}',
        '{"backfill_id": "x", "outcome": "failed", "started_at": "2026-01-01T00:00:00Z", "years": "all"}',
    ],
)
def test_a_line_of_the_log_that_is_none_of_ours_stops_nothing(line: str, make_settings: Any) -> None:
    settings = make_settings()
    entry = backfill_log.begin(settings, ORDER, "operator", None)
    with backfill_log.log_path(settings).open("a", encoding="utf-8") as handle:
        handle.write(line + "\n")
    backfill_log.fetched(settings, entry, LANDED)
    assert [one["backfill_id"] for one in backfill_log.logged(settings)] == [entry["backfill_id"]]
    assert backfill_log.interrupted(settings, ORDER)
    assert backfill_log.settled(settings, "v1") == []  # its fetch has not been parsed


@pytest.mark.parametrize("names", [[""], [" "], ["1480", " "]])
def test_a_blank_municipality_is_not_everything(names: list[str], make_settings: Any) -> None:
    with pytest.raises(SettingsError, match="neither a municipality nor a group"):
        chosen_places(make_settings(), names)
