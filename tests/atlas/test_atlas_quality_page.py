"""Kvalitet: incidents, checks and versions as they are published."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
from playwright.sync_api import Route
from tests.atlas.conftest import Atlas, Watched

from ame_warehouse.atlas.pages import quality
from ame_warehouse.atlas.site import Site


def test_open_incidents_and_checks_are_as_published(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("kvalitet.html")
    expected = atlas.sql("select incident_id, summary from quality.incidents where resolved_at is null")
    rows = page.locator("#incident-list > .table tbody tr")
    assert rows.count() == len(expected) > 0
    for row in expected:
        assert row["summary"] in page.locator(f"#{row['incident_id']}").inner_text()
    facts = atlas.sql(
        "select count(*) as checks, count(*) filter (where status = 'passed') as passed "
        "from quality.check_results"
    )[0]
    for name, value in facts.items():
        assert page.locator(f"[data-fact={name}] dd").inner_text() == str(value)
    assert page.locator("#check-list tbody tr").count() == facts["checks"] - facts["passed"]
    page.get_by_role("button", name="Visa alla kontroller").click()
    page.wait_for_function(
        "(n) => document.querySelectorAll('#check-list tbody tr').length >= n", arg=facts["checks"]
    )


def test_what_changed_is_listed(atlas: Atlas, watched: Watched) -> None:
    """The sample's first version changed nothing: the list is given to the page here."""
    revised = {
        "change": "revised", "subject_id": "x", "subject": "Deltagare", "field": None, "n": 1,
        "period": "2022", "municipality_id": "1462", "municipality": "Lilla Edet", "gender": "T",
        "value_before": 1072.0,
        "value_after": 75.5, "difference": -996.5, "text_before": None, "text_after": None, "version": "v2",
        "version_before": "v1",
    }  # fmt: skip

    def answer(route: Route) -> None:
        body = json.loads((atlas.folder / "data" / "quality.json").read_text(encoding="utf-8"))
        body["body"]["changes"] = {"total": 3, "rows": [revised]}
        route.fulfill(json=body)

    watched.page.route("**/data/quality.json", answer)
    page = watched.open("kvalitet.html")
    cells = page.locator("#change-list tbody tr > *").all_inner_texts()
    assert [text.strip() for text in cells] == [
        "Ändrat värde", "Deltagare", "Lilla Edet", "2022", "Alla", "1\u202f072", "75,5", "1", "v2",
    ]  # fmt: skip
    assert "1 av 3" in page.locator("#change-list").inner_text()


def test_a_published_list_of_changes_is_taken_whole(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "x.duckdb")) as con:
        site = Site(con, tmp_path, {"version": "v"}, ())
        assert quality._changes(site) is None
        con.execute("create schema quality")
        columns = re.findall(r"\w+", quality.CHANGES_SQL.split("from")[0].removeprefix("\nselect"))
        con.execute(f"create table quality.changes ({', '.join(f'{name} varchar' for name in columns)})")
        con.execute("insert into quality.changes (change, version) values ('added', 'v1'), ('revised', 'v2')")
        found = quality._changes(site)
    assert found is not None
    assert (found["total"], [row["change"] for row in found["rows"]]) == (2, ["revised", "added"])


def test_data_docs_are_part_of_the_site(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("kvalitet.html")
    page.locator("#checks ~ p a").click()
    page.wait_for_load_state("networkidle")
    assert "/data_docs/" in page.url


def test_the_published_version_is_marked(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("en/kvalitet.html")
    assert page.locator("#run-list strong").inner_text() == atlas.made.version


def test_the_latest_fetch_of_each_source_is_told(atlas: Atlas, watched: Watched) -> None:
    manifest = json.loads((atlas.warehouse.parent / "manifest.json").read_text(encoding="utf-8"))
    page = watched.open("kvalitet.html")
    rows = page.locator("#run-list table").first.locator("tbody tr")
    assert [row.split("\t") for row in rows.all_inner_texts()] == [
        [
            {"kolada": "Kolada (RKA)", "arbetsformedlingen": "Arbetsförmedlingen"}[name],
            source["retrieved_at"][:16].replace("T", " "),
            source["fetched_at"][:10],
            str(source["fetches"]),
        ]
        for name, source in manifest["sources"].items()
    ]
