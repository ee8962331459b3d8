"""Kostnad: both costs are those of the mart; what is preliminary and what lacks is said."""

from __future__ import annotations

from pathlib import Path

import openpyxl
from tests.atlas.conftest import Atlas, Watched

INPUTS = {"net_cost": "nettokostnad", "population": "befolkning", "participants": "deltagare"}
THIN = "\u202f"


def whole(value: float | None) -> str:
    """Return a number as the page shows it, without decimals."""
    return f"{value:,.0f}".replace(",", THIN) if value is not None else ""


def test_every_row_is_as_published(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("kostnad.html")
    rows = {
        cells[0]: cells
        for cells in (
            row.locator("th, td").all_inner_texts() for row in page.locator("#table tbody tr").all()
        )
    }
    expected = atlas.sql("select * from marts.costs where year = 2022 and municipality_id <> '0000'")
    assert len(rows) == len(expected)
    for want in expected:
        _name, net, own, participants, population, lacks, _history = rows[want["municipality"]]
        star = "*" if want["is_preliminary"] else ""
        reported = {
            net: want["net_cost_sek_per_inhabitant"],
            own: want["net_cost_sek_per_participant"],
        }
        for shown, value in reported.items():
            assert shown.strip() == (f"{whole(value)}{star}" if value is not None else "ej hämtad")
        assert participants == (whole(want["participants"]) or "i.u.")
        assert population == whole(want["population"])
        named = ", ".join(INPUTS[one] for one in want["missing_inputs"].split(",") if one)
        assert lacks == (named or "–")
    assert any("deltagare" in cells[5] for cells in rows.values())


def test_the_caveat_stands_before_the_figures_and_the_sources_are_told_apart(watched: Watched) -> None:
    page = watched.open("kostnad.html")
    caveat = page.locator("#caveat")
    assert "hur länge deltagarna varit inskrivna" in caveat.inner_text()
    assert "räknas en gång per år" in caveat.inner_text()
    assert page.evaluate(
        "document.getElementById('caveat').compareDocumentPosition(document.getElementById('table')) & 4"
    )
    source = page.locator("#table .source").inner_text()
    assert "Källa: Kolada, N40011" in source
    assert "Per deltagare: egen beräkning utifrån Kolada" in source
    assert "Preliminär" in page.locator("#table .note").inner_text()


def test_the_means_of_a_group_are_those_of_the_marts(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("kostnad.html?group=LOKA8")
    want = atlas.sql(
        "select mean_unweighted, mean_weighted from marts.group_summary where group_id = 'LOKA8' "
        "and measure_id = 'lmp_net_cost_per_inhabitant' and year = 2022"
    )[0]
    facts = page.locator("#facts dd").all_inner_texts()
    assert facts[1].startswith(whole(want["mean_weighted"]))
    assert facts[2].startswith(whole(want["mean_unweighted"]))
    members = atlas.sql("select municipality from marts.group_members where group_id = 'LOKA8'")
    shown = page.locator("#table tbody th").all_inner_texts()
    assert set(shown) == {row["municipality"] for row in members}


def test_sorting_by_keyboard_and_the_history_of_the_inputs(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("kostnad.html?group=LOKA8")
    page.locator("#table thead button", has_text="per deltagare").focus()
    page.keyboard.press("Enter")
    cheapest = atlas.sql(
        "select municipality from marts.costs "
        "join marts.group_members using (municipality_id, municipality) "
        "where group_id = 'LOKA8' and year = 2022 order by net_cost_sek_per_participant"
    )
    shown = page.locator("#table tbody th").all_inner_texts()
    assert shown == [row["municipality"] for row in cheapest]
    page.locator("#table button.history").first.click()
    page.locator("dialog table").first.wait_for()
    assert page.locator("dialog table").count() == 3  # net cost, population, participants
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")


def test_the_workbook_holds_numbers_empty_cells_and_reasons(
    atlas: Atlas, watched: Watched, tmp_path: Path
) -> None:
    page = watched.open("kostnad.html")
    with page.expect_download() as info:
        page.locator("#table [data-export=xlsx]").click()
    info.value.save_as(tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    head, *body = sheet.iter_rows(values_only=True)
    end = next(i for i, row in enumerate(body) if row[0] is None)
    rows = {row[0]: dict(zip(head, row, strict=True)) for row in body[:end]}
    for want in atlas.sql("select * from marts.costs where year = 2022 and municipality_id <> '0000'"):
        row = rows[want["municipality_id"]]
        for key in ("net_cost_sek_per_inhabitant", "net_cost_sek_per_participant", "participants"):
            assert row[key] == want[key]
        assert row["missing_reason"] == want["missing_reason"]
        assert (row["missing_inputs"] or "") == want["missing_inputs"]
    notes = " ".join(str(row[0]) for row in body[end:] if row[0])
    assert "Källa: Kolada" in notes
    assert "egen beräkning utifrån Kolada" in notes
