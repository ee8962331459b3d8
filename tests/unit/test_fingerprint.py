"""The fingerprint changes when a build would give something else, and only then."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ame_warehouse.builder import fingerprint as module
from ame_warehouse.builder.fingerprint import fingerprint, parts
from ame_warehouse.errors import LandingError
from ame_warehouse.landing.schema import TABLES, ddl
from ame_warehouse.quality import explained_gaps
from ame_warehouse.quality.incidents import acknowledge, record
from ame_warehouse.quality.results import CheckResult
from ame_warehouse.settings import Settings

SEEDS = {
    "kpi_catalogue": "kpi_id,measure_id\nU40800,participants\n",
    "preliminary_rules": "kpi_id,final_month,final_day,note\nN40011,8,28,accounts\n",
    "acknowledged_gaps": ",".join(explained_gaps.COLUMNS)
    + "\nparticipants,1440,2022,2022,analyst,2024-01-10,2024-06-30,new system\n",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    project = tmp_path / "project"
    (project / "dbt_project" / "seeds").mkdir(parents=True)
    (project / "dbt_project" / "models").mkdir()
    (project / "expectations").mkdir()
    for name, text in SEEDS.items():
        (project / "dbt_project" / "seeds" / f"{name}.csv").write_text(text, encoding="utf-8")
    (project / "dbt_project" / "models" / "a.sql").write_text("select 1", encoding="utf-8")
    (project / "expectations" / "a.json").write_text("{}", encoding="utf-8")
    settings = Settings(home=tmp_path / "home", project=project)
    fetch(settings, "f1", "2024-01-01", content="one")
    return settings


def fetch(
    settings: Settings,
    fetch_id: str,
    day: str,
    *,
    content: str | None = "one",
    outcome: str = "complete",
    kpi: str = "U40800",
    mode: str = "sample",
    places: str = "['1440', '1480']",
    years: str = "null",
    title: str = "Deltagare",
    final: str = "null",
    values: dict[tuple[str, int], float | None] | None = None,
    odd: str | None = None,
) -> None:
    """Write the parsed files of one fetch of one KPI."""
    folder = settings.observations / "source=kolada" / f"fetch={fetch_id}"
    folder.mkdir(parents=True)
    sha = f"'{content}'" if content else "null"
    rows = {
        "measures": f"'{fetch_id}', 'kolada', '{mode}', timestamp '{day}', timestamp '{day}', '{day}', "
        f"'{kpi}', '{outcome}', null, 1, 1, {sha}, '{fetch_id}', {places}, {years}",
        "kpi_metadata": f"'{fetch_id}', timestamp '{day}', '{kpi}', '{title}', null, true, 'K', "
        f'null, null, null, null, {final}, null, false, \'{{"title": "{title}"}}\'',
        "places": f"'{fetch_id}', timestamp '{day}', '1440', 'Ale', 'K'",
        "groups": f"'{fetch_id}', timestamp '{day}', 'G1', 'Group', '1440', 'Ale'",
    }
    if odd:
        rows["findings"] = (
            f"'{fetch_id}', timestamp '{day}', 'odd_value', 'warning', '{kpi}', null, null, null, "
            f"'a municipality', 'a value that cannot be keyed', '{odd}'"
        )
    with duckdb.connect() as con:
        for table in TABLES:
            con.execute(f"create table {table} ({ddl(table)})")
            if table == "observations":
                for (place, year), value in (values or {}).items():
                    con.execute(
                        f"insert into observations by name select '{fetch_id}' as fetch_id,"
                        f" '{kpi}' as kpi_id, '{place}' as municipality_id, {year} as year, 'T' as gender,"
                        f" {'null' if value is None else value} as value, '' as status, false as is_deleted"
                    )
            if table in rows:
                con.execute(f"insert into {table} select {rows[table]}")
            con.execute(f"copy {table} to '{folder / table}.parquet' (format parquet)")


def test_the_same_inputs_give_the_same_fingerprint(settings: Settings) -> None:
    assert fingerprint(settings) == fingerprint(settings)
    assert len(fingerprint(settings)) == 64


def test_it_does_not_depend_on_where_the_project_lies(settings: Settings, tmp_path: Path) -> None:
    shutil.copytree(settings.project, tmp_path / "elsewhere")
    shutil.copytree(settings.home, tmp_path / "home2")
    other = Settings(home=tmp_path / "home2", project=tmp_path / "elsewhere")
    assert fingerprint(other) == fingerprint(settings)


@pytest.mark.parametrize(
    ("later", "changes"),
    [
        ({}, False),
        ({"content": "two"}, True),
        ({"outcome": "failed", "content": None}, True),
        ({"kpi": "N40450"}, True),
        ({"places": "['1440']"}, False),
        ({"years": "[2022]"}, False),
        ({"places": "['1440', '1480', '0114']"}, True),
        ({"title": "Deltagare, antal"}, True),
        ({"mode": "live", "content": "two"}, False),
    ],
)
def test_a_later_fetch(settings: Settings, later: dict[str, Any], changes: bool) -> None:
    before = fingerprint(settings)
    fetch(settings, "f2", "2024-02-01", **later)
    assert (fingerprint(settings) != before) == changes


def test_a_fault_that_lasts_changes_it_once_and_again_when_it_is_gone(settings: Settings) -> None:
    seen = [fingerprint(settings)]
    for n, outcome in enumerate(["failed", "failed", "complete", "complete"], start=2):
        content = "one" if outcome == "complete" else None
        fetch(settings, f"f{n}", f"2024-02-0{n}", outcome=outcome, content=content)
        seen.append(fingerprint(settings))
    assert seen[1] == seen[2]
    assert seen[3] == seen[4]
    assert len({seen[0], seen[1], seen[3]}) == 3


WHOLE = {("1440", 2022): 1.0, ("1480", 2022): 2.0, ("1480", 2021): None}


def test_a_value_that_comes_back_after_a_partial_fetch_is_a_change(settings: Settings) -> None:
    fetch(settings, "g1", "2024-02-01", kpi="N1", values=WHOLE)
    fetch(
        settings, "g2", "2024-02-02", kpi="N1", content="other", years="[2022]", values={("1440", 2022): 5.0}
    )
    before = fingerprint(settings)
    fetch(settings, "g3", "2024-02-03", kpi="N1", values=WHOLE)
    assert fingerprint(settings) != before


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ({("1440", 2022): 1.0, ("1480", 2022): 2.0}, False),
        ({("1440", 2022): 1.5, ("1480", 2022): 2.0}, True),
        ({("1440", 2022): 1.0}, True),  # a record that is gone
        ({("1440", 2022): 1.0, ("1480", 2022): 2.0, ("1419", 2022): 3.0}, True),
    ],
)
def test_a_part_that_says_the_same_is_no_news_and_neither_is_the_whole_after_it(
    settings: Settings, part: dict[tuple[str, int], float | None], changes: bool
) -> None:
    places = "['1419', '1440', '1480']"
    fetch(settings, "g1", "2024-02-01", kpi="N1", places=places, values=WHOLE)
    seen = [fingerprint(settings)]
    for n in (2, 3):
        fetch(
            settings,
            f"g{n}",
            f"2024-02-0{n}",
            kpi="N1",
            content="p",
            places=places,
            years="[2022]",
            values=part,
        )
        seen.append(fingerprint(settings))
    rest = {cell: value for cell, value in WHOLE.items() if cell[1] != 2022}
    fetch(settings, "g4", "2024-02-04", kpi="N1", content="w", places=places, values=part | rest)
    seen.append(fingerprint(settings))
    assert (seen[1] != seen[0]) == changes
    assert seen[1] == seen[2] == seen[3]


def test_a_measure_that_cannot_be_fetched_in_any_scope_is_no_news(settings: Settings) -> None:
    fetch(settings, "g1", "2024-02-01", kpi="N1", outcome="retired", content=None)
    before = fingerprint(settings)
    fetch(settings, "g2", "2024-02-02", kpi="N1", outcome="retired", content=None, years="[2022]")
    assert fingerprint(settings) == before


def test_a_part_counts_when_it_is_asked_first_fails_or_is_final(settings: Settings) -> None:
    fetch(settings, "g1", "2024-06-01", kpi="N40011", years="[2022]", values={("1440", 2022): 1.0})
    seen = [fingerprint(settings)]
    more = {("1440", 2022): 1.0, ("1440", 2021): 4.0}
    later: tuple[dict[str, Any], ...] = (
        {"content": "more", "years": "[2021, 2022]", "values": more},
        {"outcome": "failed", "content": None, "years": "[2022]"},
        {"years": "[2022]", "values": {("1440", 2022): 1.0}},
    )
    for n, one in enumerate(later, start=2):
        fetch(settings, f"g{n}", f"2024-06-0{n}", kpi="N40011", **one)
        seen.append(fingerprint(settings))
    fetch(settings, "g5", "2024-09-01", kpi="N40011", years="[2022]", values={("1440", 2022): 1.0})
    seen.append(fingerprint(settings))
    assert len(set(seen)) == len(seen)


def test_dates_that_a_fetch_reaches_count(settings: Settings) -> None:
    """A value becomes final by the date of a fetch that brings nothing new."""
    fetch(settings, "c1", "2024-03-01", kpi="N40011")
    before = fingerprint(settings)
    fetch(settings, "c2", "2024-07-01", kpi="N40011")
    assert fingerprint(settings) == before
    fetch(settings, "c5", "2024-08-28", kpi="N40011")
    assert fingerprint(settings) != before, "the accounts are final"


def test_an_explanation_counts_from_its_first_day_through_its_last(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    for day in ("2024-01-09", "2024-01-10", "2024-06-30", "2024-07-01"):
        monkeypatch.setattr(explained_gaps, "today", lambda day=day: date.fromisoformat(day))
        seen[day] = parts(settings)
    assert seen["2024-01-09"] == seen["2024-07-01"]
    assert seen["2024-01-10"] == seen["2024-06-30"]
    changed = {name for name, value in seen["2024-01-10"].items() if seen["2024-07-01"][name] != value}
    assert changed == {"acknowledged"}
    as_of = parts(settings, "2024-03-01T23:59:59")
    assert as_of["acknowledged"] == seen["2024-06-30"]["acknowledged"], "as of a day, that day counts"
    row = explained_gaps.Explanation("a", "1440", 2022, 2022, "r", date(2024, 7, 1), date(2024, 7, 2), "n")
    explained_gaps.add(settings, [row])
    assert parts(settings)["acknowledged"] not in {one["acknowledged"] for one in seen.values()}


def test_another_record_that_cannot_be_keyed_is_news_the_same_again_is_not(settings: Settings) -> None:
    fetch(settings, "f2", "2024-02-01", odd='{"municipality": null}')
    before = fingerprint(settings)
    fetch(settings, "f3", "2024-03-01", odd='{"municipality": null}')
    assert fingerprint(settings) == before
    fetch(settings, "f4", "2024-04-01", odd='{"municipality": 7}')
    other = fingerprint(settings)
    assert other != before
    fetch(settings, "f5", "2024-05-01")
    assert fingerprint(settings) != other, "it is gone"


def test_a_correction_counts_from_its_first_day_through_its_last(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.seeds / "source_corrections.csv").write_text(
        "measure_id,corrected_on,expires_on,note\n"
        "participants,2024-01-10,2024-06-30,a digit too many; 'told by telephone'\n",
        encoding="utf-8",
    )
    seen = {}
    for day in ("2024-01-09", "2024-01-10", "2024-06-30", "2024-07-01"):
        monkeypatch.setattr(explained_gaps, "today", lambda day=day: date.fromisoformat(day))
        seen[day] = parts(settings)["observations"]
    assert seen["2024-01-10"] == seen["2024-06-30"]
    assert len(set(seen.values())) == 3
    assert parts(settings, "2024-03-01T23:59:59")["observations"] == seen["2024-01-10"]


def test_a_publication_date_that_a_fetch_reaches_counts(settings: Settings) -> None:
    fetch(settings, "c1", "2024-02-01", kpi="N00001", final="date '2024-03-01'")
    before = fingerprint(settings)
    fetch(settings, "c2", "2024-02-20", kpi="N00001", final="date '2024-03-01'")
    assert fingerprint(settings) == before
    fetch(settings, "c3", "2024-03-02", kpi="N00001", final="date '2024-03-01'")
    assert fingerprint(settings) != before


def test_as_of_leaves_out_what_was_not_known(settings: Settings) -> None:
    before = fingerprint(settings, "2024-01-15T00:00:00")
    fetch(settings, "f2", "2024-02-01", content="two")
    assert fingerprint(settings, "2024-01-15T00:00:00") == before
    assert fingerprint(settings) != before


@pytest.mark.parametrize(
    "path", ["dbt_project/seeds/kpi_catalogue.csv", "dbt_project/models/b.sql", "expectations/a.json"]
)
def test_project_files_count(settings: Settings, path: str) -> None:
    before = parts(settings)
    (settings.project / path).write_text("changed", encoding="utf-8")
    after = parts(settings)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"expectations" if path.startswith("expectations") else "dbt_project"}


@pytest.mark.parametrize("path", ["target/manifest.json", "logs/dbt.log", ".user.yml", "dbt_packages/x.sql"])
def test_what_tools_leave_behind_does_not_count(settings: Settings, path: str) -> None:
    before = fingerprint(settings)
    file = settings.dbt_project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("left", encoding="utf-8")
    assert fingerprint(settings) == before


def test_code_and_settings_count(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(settings)
    monkeypatch.setattr(module, "__version__", "99")
    assert fingerprint(settings) != before
    monkeypatch.undo()
    for change in ({"municipalities": "1440"}, {"sources": "live"}):
        other = Settings(home=settings.home, project=settings.project, **change)  # type: ignore[arg-type]
        assert fingerprint(other) != before
    same = Settings(home=settings.home, project=settings.project, kolada_rps=1, memory_limit="2GB")
    assert fingerprint(same) == before


def test_an_acknowledgement_counts_a_seen_fault_does_not(settings: Settings) -> None:
    before = fingerprint(settings)
    fault = CheckResult("c", "warning", "failed", "marts", "x", "y", "o", "m", "a", "2026-01-01T00:00:00")
    record(settings, [fault], "run1", "2026-01-01T00:00:00")
    assert fingerprint(settings) == before
    acknowledge(settings, "1", "steward", "known", "2026-01-02T00:00:00")
    assert fingerprint(settings) != before


def test_nothing_landed_yet(tmp_path: Path, settings: Settings) -> None:
    empty = Settings(home=tmp_path / "empty", project=settings.project)
    assert fingerprint(empty) != fingerprint(settings)


def test_a_damaged_index_is_a_readable_error(settings: Settings) -> None:
    (settings.observations / "source=kolada" / "fetch=f1" / "measures.parquet").write_bytes(b"PAR1")
    with pytest.raises(LandingError) as caught:
        fingerprint(settings)
    assert "reparse" in (caught.value.action or "")
