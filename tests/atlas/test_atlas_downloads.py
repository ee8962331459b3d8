"""Downloads: what is on the page, with dots as decimals, reasons and the source line."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
from playwright.sync_api import Locator, Page
from tests.atlas.conftest import Atlas, Watched

MEASURE = "social_assistance_18plus_longterm_share"


def saved(page: Page, block: Locator, kind: str, folder: Path) -> Path:
    """Press the button of a block and return the file."""
    with page.expect_download() as download:
        block.locator(f"button[data-export={kind}]").click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def test_csv_has_dots_reasons_and_the_source(atlas: Atlas, watched: Watched, tmp_path: Path) -> None:
    page = watched.open("kommun/1419.html")
    path = saved(page, page.locator("article[data-measure=ame_participants_total]"), "csv", tmp_path)
    assert path.name == "1419_ame_participants_total_T.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # so that Excel reads å, ä, ö
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    expected = atlas.sql(
        "select year, participants, missing_reason from marts.participants "
        "where municipality_id = '1419' and gender = 'T' and is_expected order by year"
    )
    assert rows[0][:3] == ["År", "Tjörn", "Orsak"]
    assert [tuple(row[:3]) for row in rows[1 : len(expected) + 1]] == [
        (
            str(r["year"]),
            "" if r["participants"] is None else f"{r['participants']:.0f}",
            r["missing_reason"] or "",
        )
        for r in expected
    ]
    assert "Källa: Kolada, U40800 (ursprung: Egen undersökning i kommunen)" in [row[0] for row in rows if row]
    path = saved(page, page.locator("article[data-measure=own_participants_change_pct]"), "csv", tmp_path)
    text = path.read_text(encoding="utf-8-sig")
    assert "Egen beräkning av uppgifter ur Kolada: U40800" in text
    change = atlas.sql(
        "select change_pct from marts.participants "
        "where municipality_id = '1419' and gender = 'T' and year = 2019"
    )[0]["change_pct"]
    assert str(change) in text
    assert "." in str(change)


def test_no_text_of_a_csv_is_a_formula(watched: Watched) -> None:
    """A note or a name from outside must not become something that a spreadsheet carries out."""
    page = watched.open("kommun/1419.html")
    text = page.evaluate(
        """async () => {
          const {csvText} = await import(new URL("../static/js/export.js", location.href).href);
          const rows = [{n: -3.5, x: "=HYPERLINK(1)"}, {n: "-3.5", x: "@SUM(1)"},
                        {n: null, x: "+1-1; \\"a\\""}];
          const columns = [{key: "n", header: "n"}, {key: "x", header: "-x"}];
          return csvText({columns, rows, source: ["=1+1"]});
        }"""
    )
    rows = list(csv.reader(text.removeprefix("\ufeff").splitlines(), delimiter=";"))
    assert rows[:4] == [["n", "'-x"], ["-3.5", "'=HYPERLINK(1)"], ["-3.5", "'@SUM(1)"], ["", '\'+1-1; "a"']]
    assert rows[-1] == ["'=1+1"]


def test_xlsx_holds_numbers_as_numbers(atlas: Atlas, watched: Watched, tmp_path: Path) -> None:
    page = watched.open("kommun/2282.html")
    path = saved(page, page.locator(f"article[data-measure={MEASURE}]"), "xlsx", tmp_path)
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    rows = [row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)]
    value = atlas.sql(
        "select value from marts.observations "
        "where measure_id = ? and municipality_id = '2282' and gender = 'T'",
        [MEASURE],
    )[0]["value"]
    assert rows[1][:2] == (2022, value)
    assert str(rows[-3][0]).startswith("Källa: Kolada, ")
    assert any(str(row[0]).startswith("Som tryckt, uttag ") for row in rows)


def test_the_gaps_of_a_measure_can_be_taken_along(atlas: Atlas, watched: Watched, tmp_path: Path) -> None:
    page = watched.open("luckor.html?measure=ame_participants_total")
    path = saved(page, page.locator("#map"), "csv", tmp_path)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    gaps = atlas.sql(
        "select municipality_id, year, kind, missing_reason from quality.gaps "
        "where measure_id = 'ame_participants_total' order by municipality_id, year"
    )
    found = [row for row in rows if row["kind"]]
    assert sorted((r["municipality_id"], int(r["year"]), r["kind"], r["reason"]) for r in found) == [
        (g["municipality_id"], g["year"], g["kind"], g["missing_reason"]) for g in gaps
    ]
