"""`ame diff`: between two days, and between two versions, each kind of change once."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import duckdb
import pytest
from tests.history.calls import ame

pytestmark = pytest.mark.pipeline

LATER = "20990101T000000Z-00000000"
SORTING_KEY = "socioeconomic_sorting_key"


def version_of(home: Path) -> str:
    return next(path.name for path in (home / "published" / "versions").iterdir())


@pytest.fixture
def changed_home(own_home: Path) -> Path:
    """A home with a second version, in which one thing of each kind is different."""
    versions = own_home / "published" / "versions"
    shutil.copytree(versions / version_of(own_home), versions / LATER)
    where = "measure_id = 'ame_participants_total' and gender = 'T' and municipality_id = '1419' and year = "
    with duckdb.connect(str(versions / LATER / "warehouse.duckdb")) as con:
        for sql in (
            f"update marts.observation_history set value = 82 where {where} 2019",
            "update marts.observation_history set value = null, missing_reason = 'withdrawn'"
            f" where {where} 2020",
            f"update marts.observation_history set value = 5, missing_reason = null where {where} 2022",
            f"update marts.observation_history set missing_reason = 'suppressed' where {where} 2017",
            "insert into marts.observation_history by name select * replace (2023 as year, '2023' as period,"
            f" 99 as value) from marts.observation_history where {where} 2019",
            "insert into marts.observation_history by name select * replace (2024 as year, '2024' as period,"
            " null as value, 'not_reported' as missing_reason) from marts.observation_history"
            f" where {where} 2019",
            "update marts.observation_history set is_preliminary = not is_preliminary"
            " where kpi_id = 'N40011'",
            "insert into quality.gaps by name select * replace (2016 as year) from quality.gaps"
            " where measure_id = 'ame_participants_total' and municipality_id = '1419' and year = 2017",
            "update marts.dim_measure set definition = 'another' where kpi_id = 'U40800'",
            "update marts.measure_history set is_in_catalogue = not is_in_catalogue where kpi_id = 'N31001'",
            "delete from marts.dim_measure where kpi_id = 'N31008'",
            "update marts.dim_group set edition = '2026' where group_id = 'LOKA8'",
            "delete from marts.group_members where group_id = 'LOKA8' and municipality_id = '2262'",
            "insert into marts.group_members by name select * replace ('GR12_KRANS' as group_id) from"
            " marts.group_members where group_id = 'LOKA8' and municipality_id = '2284'",
            "update marts.observation_history set value = value + 1 where kpi_id = 'U31900'"
            " and municipality_id = '1440' and valid_to is null",
        ):
            con.execute(sql)
    return own_home


def test_between_versions_each_kind_of_change(changed_home: Path) -> None:
    first = next(v.name for v in (changed_home / "published" / "versions").iterdir() if v.name != LATER)
    called = ame("diff", first, LATER, "--measure", "U40800", "--municipality", "Tjörn", "--json")
    assert called.status == 0, called.err
    report = called.json()
    assert {kind: n for kind, n in report["summary"].items() if n} == {
        "added": 1,
        "revised": 1,
        "withdrawn": 1,
        "gap_opened": 2,
        "gap_closed": 1,
        "reason_changed": 1,
        "definition": 1,
    }
    rows = {(row["change"], row["period"]): row for row in report["changes"]}
    revised = rows["revised", "2019"]
    assert (revised["value_before"], revised["value_after"], revised["difference"]) == (81, 82, 1)
    assert revised["difference_pct"] == 1.23
    assert rows["withdrawn", "2020"]["value_before"] == 70
    assert rows["withdrawn", "2020"]["after"] == "withdrawn"
    assert rows["reason_changed", "2017"]["before"] == "not_reported"
    assert rows["reason_changed", "2017"]["after"] == "suppressed"
    assert rows["gap_opened", "2016"]["after"] == "not_reported"
    assert rows["definition", None]["field"] == "definition"
    assert rows["definition", None]["after"] == "another"
    (largest,) = report["revised"]
    assert (largest["n"], largest["municipality"], largest["largest_difference"]) == (1, "Tjörn", 1)

    back = ame("diff", LATER, first, "--measure", "U40800", "--municipality", "1419", "--json").json()
    assert back["summary"]["gap_gone"] == 2
    assert back["summary"]["withdrawn"] == 2
    assert back["summary"]["revised"] == 1

    costs = ame("diff", LATER, first, "--measure", "N40011", "--json").json()["summary"]
    forth = ame("diff", first, LATER, "--measure", "N40011", "--json").json()["summary"]
    assert {costs["finalised"], forth["finalised"]} == {0, 32 // 4}


def test_between_versions_measures_groups_and_sorting_keys(changed_home: Path) -> None:
    first = next(v.name for v in (changed_home / "published" / "versions").iterdir() if v.name != LATER)
    report = ame("diff", first, LATER, "--json").json()
    rows = {
        (row["change"], row["measure_id"] or row["group_id"]): row  # of the sorting key there is one value
        for row in report["changes"]
        if row["change"] in {"measure_new", "measure_gone", "member_added", "member_left"}
        or row["group_id"]
        or row["measure_id"] == SORTING_KEY
    }
    gone = next(row for row in report["changes"] if row["change"] == "measure_gone" and not row["after"])
    assert gone["field"] == "measure"
    catalogue = next(row for row in report["changes"] if row["field"] == "catalogue")
    assert catalogue["change"] in {"measure_new", "measure_gone"}
    assert {catalogue["before"], catalogue["after"]} == {
        "in the source's catalogue",
        "not in the source's catalogue",
    }
    edition = rows["definition", "LOKA8"]
    assert (edition["field"], edition["before"], edition["after"]) == ("edition", "2022", "2026")
    left, added = rows["member_left", "LOKA8"], rows["member_added", "GR12_KRANS"]
    assert (left["municipality"], added["municipality"]) == ("Timrå", "Örnsköldsvik")
    key = rows["revised", SORTING_KEY]
    assert key["value_after"] == key["value_before"] + 1
    assert (key["difference"], key["difference_pct"]) == (None, None), "a rank has no differences"
    chosen = ame("diff", first, LATER, "--measure", "U40800", "--json").json()["summary"]
    assert {kind: chosen[kind] for kind in ("member_left", "measure_gone")} == {
        "member_left": 0,
        "measure_gone": 0,
    }


def test_between_days(home: Path) -> None:
    called = ame("diff", "2023-06-04", "2023-07-07", "--json")
    assert called.status == 0, called.err
    report = called.json()
    assert {kind: n for kind, n in report["summary"].items() if n} == {"added": 32}
    assert report["definitions_not_compared"] is None
    assert len(report["changes"]) == 32
    assert ame("diff", "2023-07-07", "2023-06-04", "--json").json()["summary"]["withdrawn"] == 32
    revisions = ame("diff", "2023-02-01", "2023-02-24", "--json").json()
    assert revisions["summary"]["revised"] == 139
    assert sum(one["n"] for one in revisions["revised"]) == 139
    newest = ame("diff", "2024-01-31", "published", "--json").json()
    assert newest["changes"] == []


def test_formats(home: Path) -> None:
    as_csv = ame("diff", "2023-06-04", "2023-07-07", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(as_csv.out)))
    assert len(rows) == 32
    assert {row["change"] for row in rows} == {"added"}
    as_json = ame("diff", "2023-06-04", "2023-07-07", "--format", "json")
    assert [row["value_after"] for row in json.loads(as_json.out)["changes"]] == [
        float(row["value_after"]) for row in rows
    ]
    table = ame("diff", "2023-06-04", "2023-07-07")
    assert "added            32" in table.out
    assert "Nothing changed." in ame("diff", "2023-06-04", "2023-06-05").out


def test_readable_errors(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (
        ("nonsense", "published"),
        ("2023-13-01", "published"),
        ("2023-06-04", "published", "--measure", "U99999"),
        ("2023-06-04", "published", "--municipality", "Atlantis"),
    ):
        called = ame("diff", *arguments)
        assert called.status == 2, arguments
        assert "expected:" in called.err
    assert version_of(home) in ame("diff", "nonsense", "published").err
    monkeypatch.setenv("AME_HOME", str(tmp_path))
    called = ame("diff", "2023-06-04", "2023-07-07")
    assert called.status == 1
    assert "nothing is published yet" in called.err
