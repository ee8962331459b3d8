"""Kommun: every figure of a municipality's page is the published one, and nothing missing is drawn."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page
from tests.atlas.conftest import Atlas, Watched

from ame_warehouse.atlas import texts

LILLA_EDET, TJORN = "1462", "1419"
CELLS = """(measure) => {
    const block = document.querySelector(`article[data-measure="${measure}"]`);
    const rows = [...block.querySelectorAll("tbody tr")];
    return rows.map((row) => [...row.cells].map((cell) => cell.textContent));
}"""


def table_of(page: Page, measure: str) -> dict[int, list[str]]:
    """Return the rows of a measure's table by year."""
    rows: list[list[str]] = page.evaluate(CELLS, measure)
    return {int(year): cells for year, *cells in rows}


def shown(row: dict[str, Any], decimals: int = 0) -> str:
    """Return how a value, or its absence, is shown in Swedish."""
    if row["value"] is None:
        return texts.text("sv", f"missing.mark.{row['missing_reason']}")
    return texts.number(row["value"], "sv", decimals)


def test_participants_against_group_pair_and_the_years_before(atlas: Atlas, watched: Watched) -> None:
    page = watched.open(f"kommun/{LILLA_EDET}.html")
    table = table_of(page, "ame_participants_total")
    own = atlas.sql(
        "select year, participants as value, missing_reason from marts.participants "
        "where municipality_id = ? and gender = 'T' and is_expected order by year",
        [LILLA_EDET],
    )
    means = atlas.sql(
        "select year, mean_unweighted, n_reporting, n_members from marts.group_summary "
        "where group_id = 'G96190' and measure_id = 'ame_participants_total' and gender = 'T'"
    )
    assert {year: cells[0] for year, cells in table.items()} == {row["year"]: shown(row) for row in own}
    for row in means:
        mean = texts.number(row["mean_unweighted"], "sv")
        assert table[row["year"]][1] == f"{mean} {row['n_reporting']}/{row['n_members']}"
    headings = page.locator("article[data-measure=ame_participants_total] thead th").all_inner_texts()
    assert headings == [
        "År",
        "Lilla Edet",
        "Göteborgsregionen (medel)",
        "Pendlingskommun nära storstad (medel)",
        "Kramfors",
        "Skillnad mot parkommunen",
    ]


def test_pair_and_riket_differ_as_the_marts_say(atlas: Atlas, watched: Watched) -> None:
    measure = "social_assistance_18plus_longterm_share"
    page = watched.open("kommun/2282.html")
    row = atlas.sql(
        "select r.difference_pp as riket, -p.difference_pp as pair, r.riket_value from marts.against_riket r "
        "join marts.pair_comparison p using (measure_id, year, gender) "
        "where measure_id = ? and r.municipality_id = '2282' and p.municipality_id_b = '2282' "
        "and gender = 'T'",
        [measure],
    )[0]
    cells = table_of(page, measure)[2022]
    assert texts.number(row["riket_value"], "sv", 1) in cells
    for difference in (row["pair"], row["riket"]):
        sign = "+" if difference > 0 else ""
        assert sign + texts.number(difference, "sv", 1) in cells


def test_a_missing_year_is_marked_and_breaks_the_line(atlas: Atlas, watched: Watched) -> None:
    gaps = atlas.sql(
        "select year from quality.gaps where measure_id = 'ame_participants_total' and municipality_id = ? "
        "order by year",
        [TJORN],
    )
    page = watched.open(f"kommun/{TJORN}.html")
    chart = page.locator("article[data-measure=ame_participants_total] figure.chart")
    marks = chart.locator(".plot-frame svg text", has_text="i.u.").count()
    assert marks == len(gaps) == 2
    table = table_of(page, "ame_participants_total")
    assert {year for year, cells in table.items() if cells[0] == "i.u."} == {row["year"] for row in gaps}
    abbreviation = page.locator("article[data-measure=ame_participants_total] abbr.missing").first
    assert "inte lämnat" in (abbreviation.get_attribute("title") or "")
    dots = chart.locator(".plot-frame circle title").all_text_contents()
    assert not [text for text in dots if text.startswith("Tjörn 2022") or text.startswith("Tjörn 2017")]
    assert len([text for text in dots if text.startswith("Tjörn")]) == len(table) - len(gaps)
    values = [text.split(": ")[1] for text in dots if text.startswith("Tjörn")]
    assert "0" not in values


def test_referrals_are_shown_with_their_sum_and_events(atlas: Atlas, watched: Watched) -> None:
    page = watched.open(f"kommun/{LILLA_EDET}.html")
    block = page.locator("article[data-composition=referrals]")
    shares = atlas.sql(
        "select share_pct as value, missing_reason from marts.referrals where municipality_id = ? "
        "and year = 2022 and not is_derived order by measure_id",
        [LILLA_EDET],
    )
    rows = [row.split("\t") for row in block.locator("tbody tr").all_inner_texts()]
    assert [row[6] for row in rows[:-1]] == [shown(row) for row in shares]
    assert rows[-1][0] == "Summa"
    assert rows[-1][6] == "100"
    events = atlas.sql("select title_sv, title_en from marts.dim_event order by event_date, event_id")
    listed = page.locator("#event-list li").all_inner_texts()
    assert [text.split(": ", 1)[1] for text in listed] == [row["title_sv"] for row in events]
    first = block.locator(".plot-frame svg text", has_text="1 2")
    assert first.count() == 1  # two events of 2019 at one place


def test_a_note_of_some_years_is_drawn_on_the_time_axis(watched: Watched) -> None:
    page = watched.open(f"kommun/{LILLA_EDET}.html")
    chart = page.locator("article[data-composition=education] figure.chart")
    assert chart.locator(".plot-frame svg text", has_text="i.u.").count() == 3
    assert chart.locator(".plot-frame svg rect").count() >= 1
    assert "2020–2022 Notering: Inga uppgifter om deltagarnas utbildning" in chart.inner_text()
    assert chart.locator("circle").count() == 0


def test_notes_stand_where_they_belong(watched: Watched) -> None:
    page = watched.open("kommun/2282.html")
    assert "kommunala aktivitetsansvaret" in page.locator("section[aria-labelledby=age] .notice").inner_text()
    page = watched.open("en/kommun/1480.html")
    assert "only a part of the city's" in page.locator("#notes").inner_text()


@pytest.mark.parametrize("gender", ["K", "M"])
def test_women_and_men_are_shown_apart(gender: str, atlas: Atlas, watched: Watched) -> None:
    page = watched.open("kommun/1481.html")
    page.locator(f"[name=gender][value={gender}]").check()
    page.wait_for_url(f"**gender={gender}**")
    own = atlas.sql(
        "select year, participants as value, missing_reason from marts.participants "
        "where municipality_id = '1481' and gender = ? and is_expected order by year",
        [gender],
    )
    page.wait_for_function(
        "(n) => document.querySelector('[data-measure=ame_participants_total] tbody td')?.textContent === n",
        arg=shown(own[0]),
    )
    table = table_of(page, "ame_participants_total")
    assert {year: cells[0] for year, cells in table.items()} == {row["year"]: shown(row) for row in own}


def test_own_calculations_are_labelled_and_lead_to_the_history_of_their_inputs(
    atlas: Atlas, watched: Watched
) -> None:
    page = watched.open(f"kommun/{LILLA_EDET}.html")
    block = page.locator("article[data-measure=own_net_cost_sek_per_participant]")
    cost = atlas.sql(
        "select net_cost_sek_per_participant as value, missing_reason from marts.costs "
        "where municipality_id = ? and year = 2022",
        [LILLA_EDET],
    )[0]
    assert table_of(page, "own_net_cost_sek_per_participant")[2022][0] == shown(cost)
    assert "Egen beräkning" in block.locator(".source").inner_text()
    assert "hur länge" in block.locator(".note").first.inner_text()
    assert "2017–2021: ej hämtad" in block.inner_text()  # the years before are named, not a column of words
    assert (
        "Källa: Kolada, U40800"
        in page.locator("article[data-measure=ame_participants_total] .source").inner_text()
    )
    block.locator("button.history").click()
    page.locator("dialog[open]").wait_for()
    assert page.locator("dialog table").count() == 3
    assert (
        "2024-01-31" in page.locator("dialog").inner_text()
        or "2023-06-04" in page.locator("dialog").inner_text()
    )


def test_every_municipality_with_figures_has_a_page(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("kommun/index.html")
    expected = atlas.sql(
        "select distinct municipality_id as id from marts.observations join marts.dim_municipality "
        "using (municipality_id) where source = 'kolada' and type = 'K' order by 1"
    )
    links = page.locator("#choice tbody a").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
    assert sorted(links) == [f"../kommun/{row['id']}.html" for row in expected]
    page.locator("input[type=search]").fill("timr")
    assert page.locator("#choice tbody tr").count() == 1
    page.locator("#choice tbody a").click()
    page.locator("article.block").first.wait_for()
    assert page.locator("h1").inner_text() == "Timrå"
