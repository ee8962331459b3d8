"""`ame as-of`: both report vintages give the printed tables, cell by cell; nothing else is touched."""

from __future__ import annotations

import csv
import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.duckdb_files import storage_version
from tests.history.calls import ame

from ame_warehouse.builder.dbt_runner import DbtRun
from ame_warehouse.history import as_of
from ame_warehouse.publish import publisher
from ame_warehouse.settings import PROJECT_ROOT

pytestmark = pytest.mark.pipeline

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
DAYS = ("2023-06-04", "2023-07-07", "2024-01-31")
KEPT = ("published", "build", "landing", "observations", "quality")
Key = tuple[str, str, int, str]


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def printed_until(day: str) -> tuple[dict[Key, float | None], int]:
    """Return what had been printed by a day (the later print wins), and the lines of that very day."""
    dates = {(row["report"], row["retrieved"]): row["vintage_date"] for row in seed("report_vintages")}
    known: dict[Key, tuple[str, float | None]] = {}
    lines = 0
    for row in seed("printed_report_tables"):
        if row["kpi_match"] == "none" or (date := dates[row["report"], row["retrieved"]]) > day:
            continue
        lines += date == day
        key = (row["kpi_id"], row["municipality_code"], int(row["year"]), row["gender"])
        if key not in known or known[key][0] <= date:
            known[key] = (date, float(row["value"]) if row["value"] else None)
    return {key: value for key, (_, value) in known.items()}, lines


def state_of(home: Path) -> dict[str, str]:
    """Return the digest of every file that an as-of build must leave alone."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in KEPT
        for path in sorted((home / part).rglob("*"))
        if path.is_file() and "spill" not in path.parts
    }


def tables(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute(
        "select table_schema, table_name from information_schema.tables order by all"
    ).fetchall()


def documented_sql(day: str) -> str:
    """Return the query that the handbook gives for BI, with another day in place of its own."""
    text = (PROJECT_ROOT / "docs" / "history.md").read_text(encoding="utf-8")
    sql = text.split("### As-of without a build, for BI")[1].split("```sql")[1].split("```")[0]
    assert sql.count("2023-07-07") == 2
    return sql.replace("2023-07-07", day)


def test_the_printed_tables_as_of_each_vintage(home: Path) -> None:
    before = state_of(home)
    lines = 0
    for day in DAYS:
        called = ame("as-of", day, "--json")
        assert called.status == 0, called.err
        report = called.json()
        assert report["as_of"] == f"{day}T23:59:59Z"
        path = home / "as_of" / f"{day}.duckdb"
        assert report["file"] == str(path)
        assert storage_version(path) == storage_version(home / "published" / "warehouse.duckdb")
        expected, of_day = printed_until(day)
        lines += of_day
        with duckdb.connect(str(path), read_only=True) as con:
            found = {
                (kpi, place, year, gender): (value, reason)
                for kpi, place, year, gender, value, reason in con.execute(
                    "select kpi_id, municipality_id, year, gender, value, missing_reason"
                    " from marts.observations where source = 'kolada'"
                ).fetchall()
            }
            assert {key: value for key, (value, _) in found.items()} == expected
            assert all((value is None) == (reason is not None) for value, reason in found.values())
            newest = con.execute("select max(fetched_at)::date::varchar from marts.observations").fetchone()
            assert newest == (day,)
            participants = con.execute(
                "select municipality_id, year, participants from marts.participants"
                " where gender = 'T' and participants is not null"
            ).fetchall()
            assert {(p, y): n for p, y, n in participants} == {
                (place, year): value
                for (kpi, place, year, gender), value in expected.items()
                if kpi == "U40800" and gender == "T" and value is not None
            }
            with duckdb.connect(str(home / "published" / "warehouse.duckdb"), read_only=True) as now:
                assert tables(con) == tables(now)
                columns = "measure_id, municipality_id, period, gender, value, missing_reason"
                built = con.execute(f"select {columns} from marts.observations order by all").fetchall()
                asked = now.execute(documented_sql(day)).fetchall()
                assert sorted(asked, key=repr) == sorted(built, key=repr), "the pattern for BI says the same"
                if day == DAYS[-1]:
                    for name in ("observations", "participants", "referrals", "costs", "group_summary"):
                        sql = f"select * from marts.{name}"
                        assert con.execute(sql).fetchall() == now.execute(sql).fetchall(), name
    assert lines == 671  # every printed cell with a KPI, on the day of its own vintage
    assert state_of(home) == before
    assert sorted(path.name for path in (home / "as_of").iterdir()) == [
        ".work",
        *(f"{day}.duckdb" for day in DAYS),
    ]


def test_nothing_known_then(home: Path) -> None:
    called = ame("as-of", "2020-01-01", "--json")
    assert called.status == 1
    assert called.out == ""
    assert "nothing was known on 2020-01-01" in called.err
    assert "2023-01-23 or later" in called.err


def test_wrong_dates_and_places(home: Path) -> None:
    to_come = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    for wrong in ("2023-6", "yesterday", "2023-02-30", to_come):
        called = ame("as-of", wrong)
        assert called.status == 2, wrong
        assert "expected:" in called.err
    called = ame("as-of", "2023-06-04", "--out", str(home / "published" / "warehouse.duckdb"))
    assert called.status == 2
    assert "outside the pipeline's own directories" in called.err
    called = ame("as-of", "2023-06-04", "--out", str(home))
    assert called.status == 2


def test_a_fresh_home_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AME_HOME", str(tmp_path))
    called = ame("as-of", "2023-06-04")
    assert called.status == 1
    assert "run `ame run` first" in called.err


def test_not_while_the_observations_are_made_again(own_home: Path) -> None:
    (own_home / "observations").rename(own_home / ".observations.aside")
    (own_home / "observations").mkdir()
    called = ame("as-of", "2023-06-04")
    assert called.status == 1


def test_not_when_they_were_merged_while_they_were_linked(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copytree = shutil.copytree

    def merge_first(source: Path, target: Path, **options: Any) -> None:
        monkeypatch.setattr(as_of.shutil, "copytree", copytree)
        copytree(source, target, **options)
        old = min((own_home / "observations").glob("source=kolada/fetch=*"))
        copytree(old, own_home / "again")
        shutil.rmtree(old)
        (own_home / "again").rename(old)

    monkeypatch.setattr(as_of.shutil, "copytree", merge_first)
    called = ame("as-of", "2023-06-04")
    assert called.status == 1
    assert "the observations are being made again" in called.err


def test_a_disk_that_cannot_be_written_leaves_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(as_of, "_candidate", lambda *_: DbtRun())
    monkeypatch.setattr(publisher, "_attach", full)
    before = state_of(home)
    called = ame("as-of", "2023-06-04", "--out", str(tmp_path / "out.duckdb"))
    assert called.status == 1
    assert "could not be written; what is published is untouched" in called.err
    assert "No space left" in called.err
    assert list(tmp_path.iterdir()) == []
    assert state_of(home) == before
