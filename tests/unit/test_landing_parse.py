"""Landing → Parquet: exact schemas, the same rows each time, nothing twice, findings for what is odd."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import MakeSettings, Serve

from ame_warehouse.errors import LandingError
from ame_warehouse.landing.index import fetch_dir
from ame_warehouse.landing.parse import parse_fetch, parse_missing
from ame_warehouse.landing.schema import TABLES
from ame_warehouse.landing.store import Objects, read_fetch
from ame_warehouse.pipeline.ingest import fetch_kolada, parse_landing
from ame_warehouse.sample.dataset import Dataset, value
from ame_warehouse.sample.faults import Fault
from ame_warehouse.settings import Settings

PLACES = ["G96190"]


def run(
    settings: Settings, measures: list[str], places: list[str] | None = None
) -> tuple[str, dict[str, Any]]:
    (fetch_id,) = fetch_kolada(settings, measures, places or PLACES, None)["fetch_ids"]
    return fetch_id, parse_landing(settings, [fetch_id])


def rows(settings: Settings, fetch_id: str, sql: str, table: str = "observations") -> list[tuple[Any, ...]]:
    path = fetch_dir(settings.observations, fetch_id) / f"{table}.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"create view t as select * from read_parquet('{path}', hive_partitioning = false)"
        )
        return connection.execute(sql).fetchall()


def findings(settings: Settings, fetch_id: str) -> list[tuple[Any, ...]]:
    sql = "select kind, severity, kpi_id, municipality_id, year, gender, found from t order by all"
    return rows(settings, fetch_id, sql, "findings")


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_the_character_nul_does_not_reach_readers(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    """PostgreSQL refuses it: one such text of the source would keep every later version from its readers."""
    small.put("U40800", "1480", 2022, [value("K", None, "Mis\0sing"), value("M", 1), value("T", 1)])
    title = next(kpi for kpi in small.kpis if kpi["id"] == "U40800")
    title["title"] = "Delt\0agare"
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    fetch_id, _ = run(settings, ["U40800"])
    read = "select {} from t where kpi_id = 'U40800' and {}"
    status = read.format("status", "municipality_id = '1480' and year = 2022 and gender = 'K'")
    assert rows(settings, fetch_id, status) == [("Mis?sing",)]
    assert rows(settings, fetch_id, read.format("title", "true"), "kpi_metadata") == [("Delt?agare",)]
    assert ("Delt?agare",) in rows(settings, fetch_id, read.format("found", "true"), "findings")


def test_the_files_have_exactly_the_contract_columns(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    fetch_id, _ = run(settings, ["U40800"])
    folder = fetch_dir(settings.observations, fetch_id)
    assert {path.name for path in folder.iterdir()} == {f"{table}.parquet" for table in TABLES}
    for table, columns in TABLES.items():
        found = rows(settings, fetch_id, "describe t", table)
        assert {name: kind for name, kind, *_ in found} == columns, table
        assert [name for name, *_ in found] == list(columns)


def test_every_served_value_arrives_unchanged(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small, per_page=37).url())
    fetch_id, result = run(settings, ["U40800", "U40806", "N40011"])
    found = rows(
        settings,
        fetch_id,
        "select kpi_id, municipality_id, year, gender, value, status, is_deleted, member_count from t",
    )
    places = {"0000", *(place for _, place, _ in small.cells)}
    expected = sorted(
        (kpi, place, year, one["gender"], one["value"], one["status"], one["isdeleted"], one["count"])
        for (kpi, place, year), values in small.cells.items()
        for one in values
        if kpi != "N01951" and place in {row[1] for row in found}
    )
    assert sorted(found, key=lambda row: row[:4]) == expected
    assert result["observations"] == len(found)
    assert {row[1] for row in found} <= places


def test_rows_are_sorted_and_point_to_their_page(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    fetch_id, _ = run(settings, ["U40800", "N01951"])
    keys = rows(settings, fetch_id, "select kpi_id, municipality_id, year, gender from t")
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    sha256 = rows(settings, fetch_id, "select distinct object_sha256 from t")
    assert all(b"U40800" in Objects(settings.landing).get(one) for (one,) in sha256)


def test_unchanged_content_is_not_written_again_and_changed_content_is(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    first, wrote = run(settings, ["U40800", "N01951"])
    second, again = run(settings, ["U40800", "N01951"])
    assert wrote["observations"] > 0
    assert again == {"observations": 0, "unchanged": 2, "findings": again["findings"]}
    holders = "select kpi_id, content_fetch_id, n_values > 0 from t order by kpi_id"
    assert rows(settings, second, holders, "measures") == [("N01951", first, True), ("U40800", first, True)]
    before = small.cells[("U40800", "1480", 2022)]
    small.put("U40800", "1480", 2022, [value("T", 1234.0)])
    third, changed = run(settings, ["U40800", "N01951"])
    assert changed["unchanged"] == 1
    assert {row[0] for row in rows(settings, third, "select distinct kpi_id from t")} == {"U40800"}
    small.put("U40800", "1480", 2022, before)
    fourth, back = run(settings, ["U40800", "N01951"])
    assert back["observations"] == 0
    assert rows(settings, fourth, holders, "measures")[1][1] == first, "the old content is held already"


def test_another_scope_or_status_is_other_content(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    run(settings, ["U40800"])
    _, other_places = run(settings, ["U40800"], ["G33629"])
    assert other_places["observations"] > 0
    key = next(key for key, cell in small.cells.items() if key[0] == "U40800" and key[1] == "1480")
    small.put(*key, [one | {"status": "Privacy", "value": None} for one in small.cells[key]])
    _, privacy = run(settings, ["U40800"])
    small.put(*key, [one | {"status": "Missing", "value": None} for one in small.cells[key]])
    _, missing = run(settings, ["U40800"])
    assert privacy["observations"] == missing["observations"] > 0


def test_reading_the_landing_again_gives_the_same_bytes(make_settings: MakeSettings) -> None:
    settings = make_settings()
    for _ in range(2):
        ids = fetch_kolada(settings, ["U40800", "U40806", "N01951"], ["G96190", "G33629"], None)["fetch_ids"]
        parse_landing(settings, ids)
    before = digests(settings.observations)
    assert len(before) == 6 * len(TABLES)
    shutil.rmtree(settings.observations)
    assert len(parse_missing(settings)) == 6
    assert digests(settings.observations) == before
    assert [path.name for path in settings.observations.iterdir()] == ["source=kolada"]
    parse_fetch(settings, ids[-1])
    assert digests(settings.observations) == before


def test_failed_measures_bring_no_rows(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    server = serve(small, Fault("status", status=500, match="U40806"))
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_attempts=1)
    fetch_id, _ = run(settings, ["U40800", "U40806"])
    assert rows(settings, fetch_id, "select distinct kpi_id from t") == [("U40800",)]
    sql = "select kpi_id, outcome, content_fetch_id is null, n_values, error is null from t order by kpi_id"
    ((_, *good), (_, *bad)) = rows(settings, fetch_id, sql, "measures")
    assert (good[0], good[1], good[3]) == ("complete", False, True)
    assert bad == ["failed", True, 0, False]
    assert ("fetch_failed", "warning", "U40806", None, None, None, "no complete answer") in findings(
        settings, fetch_id
    )


def test_odd_values_do_not_break_the_load_and_are_listed(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    odd: dict[str, Any] = {"1401": "12,5", "1402": "123.4", "1407": True, "1415": {}, "1419": []}
    for place, number in odd.items():
        small.put("U40800", place, 2022, [value("T", 1.0) | {"value": number}])
    small.put("U40800", "1440", 2022, [value("T", None, "Sekretess")])
    small.put("U40800", "1441", 2022, [value("T", 5.0) | {"note": "x"}, value("X", 5.0)])
    fetch_settings = make_settings(sources="live", kolada_url=serve(small).url())
    fetch_id, _ = run(fetch_settings, ["U40800", "N01951"])
    sql = """
        select municipality_id, value, raw_value, value_issue from t
        where kpi_id = 'U40800' and year = 2022 and value_issue is not null order by 1
    """
    assert rows(fetch_settings, fetch_id, sql) == [
        ("1401", None, '"12,5"', "not_a_number"),
        ("1402", 123.4, '"123.4"', "number_as_text"),
        ("1407", None, "true", "not_a_number"),
        ("1415", None, "{}", "not_a_number"),
        ("1419", None, "[]", "not_a_number"),
    ]
    listed = findings(fetch_settings, fetch_id)
    kinds = [(kind, severity, place) for kind, severity, _, place, *_ in listed]
    assert kinds.count(("odd_value", "info", "1402")) == 1
    assert kinds.count(("odd_value", "warning", "1401")) == 1
    assert ("odd_value", "warning", "1441") in kinds
    assert ("unknown_status", "warning", "U40800", None, None, None, "Sekretess") in listed
    assert ("extra_field", "info", "U40800", None, None, None, "a field 'note'") in listed
    status = rows(
        fetch_settings, fetch_id, "select status from t where municipality_id = '1440' and year = 2022"
    )
    assert ("Sekretess",) in status
    total = rows(fetch_settings, fetch_id, "select count(*) from t where kpi_id = 'N01951'")
    assert total[0][0] == 14 * 2 * len(small.cells[("N01951", "1480", 2022)])


def test_a_record_twice_is_taken_once_and_told(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    def twice(envelope: dict[str, Any]) -> dict[str, Any]:
        values = [*envelope["values"], *envelope["values"][:1]]
        return envelope | {"values": values, "count": len(values)}

    plain_settings = make_settings(sources="live", kolada_url=serve(small).url())
    plain, _ = run(plain_settings, ["N40011"])
    server = serve(small, Fault("change", match="/data/", change=twice))
    settings = make_settings(sources="live", kolada_url=server.url(), home=plain_settings.home / "other")
    fetch_id, _ = run(settings, ["N40011"])
    sql = "select * exclude (fetch_id, object_sha256) from t"
    assert rows(settings, fetch_id, sql) == rows(plain_settings, plain, sql)
    assert ("duplicate_record", "info", "N40011", "0000") in [row[:4] for row in findings(settings, fetch_id)]


def test_what_was_not_asked_for_is_dropped_and_counted(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    def more(envelope: dict[str, Any]) -> dict[str, Any]:
        first = envelope["values"][0]
        strangers = [
            first | {"municipality": "G96190"},
            first | {"municipality": "0114"},
            first | {"kpi": "N99999"},
        ]
        values = [*envelope["values"], *strangers]
        return envelope | {"values": values, "count": len(values)}

    server = serve(small, Fault("change", match="/data/", change=more))
    settings = make_settings(sources="live", kolada_url=server.url())
    fetch_id, _ = run(settings, ["N40011"])
    found = rows(settings, fetch_id, "select distinct kpi_id, municipality_id from t")
    assert len(found) == 14
    assert {kpi for kpi, _ in found} == {"N40011"}
    assert [row for row in findings(settings, fetch_id) if row[0] in ("unexpected_place", "unknown_id")] == [
        (
            "unexpected_place",
            "info",
            "N40011",
            None,
            None,
            None,
            "2 values of 2 places that were not asked for",
        ),
        ("unknown_id", "warning", "N99999", None, None, None, "1 values of 1 places that were not asked for"),
    ]


def test_the_catalogue_places_and_groups_are_kept_and_drift_is_told(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    changed = next(one for one in small.kpis if one["id"] == "U40800")
    changed |= {"title": "Nytt namn", "publication_date": "2026-08-28", "prel_publication_date": "soon"}
    small.kpis.append({"id": "N77777", "title": "Ny"})
    small.municipalities = [one for one in small.municipalities if one["id"] not in ("1480", "1499")]
    small.municipalities.append({"id": "1499", "title": "Falköping västra", "type": "K"})
    small.municipalities.append({"id": "9999", "title": "Nykommun", "type": "K"})
    next(one for one in small.groups if one["id"] == "G96190")["members"].pop()
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    fetch_id, _ = run(settings, ["U40800"])
    (row,) = rows(
        settings,
        fetch_id,
        "select title, publication_date::varchar, prel_publication_date, has_ou_data, raw like '%soon%' "
        "from t where kpi_id = 'U40800'",
        "kpi_metadata",
    )
    assert row == ("Nytt namn", "2026-08-28", None, False, True)
    assert rows(settings, fetch_id, "select count(*) from t where kpi_id = 'N77777'", "kpi_metadata") == [
        (0,)
    ]
    assert rows(settings, fetch_id, "select count(*) from t where group_id = 'G96190'", "groups") == [(12,)]
    assert rows(settings, fetch_id, "select id, title from t where id = '9999'", "places") == [
        ("9999", "Nykommun")
    ]
    drift = {(kind, kpi, place) for kind, _, kpi, place, *_ in findings(settings, fetch_id)}
    assert ("catalogue_drift", "U40800", None) in drift
    assert ("place_drift", None, "1480") in drift
    assert ("place_drift", None, "1499") in drift
    assert ("place_drift", None, "9999") in drift
    assert ("group_drift", None, None) in drift


def test_a_damaged_page_stops_the_parser_and_leaves_the_old_files(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    fetch_id, _ = run(settings, ["U40800"])
    before = digests(settings.observations)
    sha256 = read_fetch(settings.landing, fetch_id)["sets"][0]["objects"][0]
    path = Objects(settings.landing).path(sha256)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(LandingError, match="damaged") as caught:
        parse_fetch(settings, fetch_id)
    assert path.name in str(caught.value)
    assert digests(settings.observations / "source=kolada") == {
        name.removeprefix("source=kolada/"): digest for name, digest in before.items()
    }


def test_an_unknown_fetch_is_named(make_settings: MakeSettings) -> None:
    with pytest.raises(LandingError, match="not in the landing"):
        parse_landing(make_settings(), ["20200101T000000000000Z-abcdef"])


def test_recorded_answers_go_through(
    make_settings: MakeSettings, small: Dataset, serve: Serve, recorded: Path
) -> None:
    import json

    real = json.loads((recorded / "v3-recorded-2025-10" / "data-e969c0.json").read_text(encoding="utf-8"))
    server = serve(small, Fault("change", match="/data/", change=lambda _: real))
    settings = make_settings(sources="live", kolada_url=server.url())
    fetch_id, _ = run(settings, ["N01951"], ["0580"])
    assert rows(settings, fetch_id, "select municipality_id, year, gender, value from t") == [
        ("0580", 2023, "K", 82149.0),
        ("0580", 2023, "M", 85255.0),
        ("0580", 2023, "T", 167404.0),
        ("0580", 2024, "K", 82526.0),
        ("0580", 2024, "M", 85509.0),
        ("0580", 2024, "T", 168035.0),
    ]
    assert ("unknown_id", "warning", "N00003") in [row[:3] for row in findings(settings, fetch_id)]
