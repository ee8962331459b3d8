"""Kommun, Arbetsförmedlingen's part: months, yearly means and the newest month are those of the marts."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from tests.atlas.conftest import Atlas, Watched

from ame_warehouse.atlas import texts

LILLA_EDET, KRAMFORS, OCKERO = "1462", "2282", "1407"
ROWS = """(name) => [...document.querySelectorAll(`[data-af="${name}"] tbody tr`)]
    .map((row) => [...row.cells].map((cell) => cell.textContent))"""


def rows_of(page: Page, name: str) -> list[list[str]]:
    """Return what a table of the section shows."""
    page.locator(f"[data-af={name}]").wait_for(state="attached")
    found: list[list[str]] = page.evaluate(ROWS, name)
    return found


def shown(row: dict[str, Any], decimals: int) -> str:
    """Return how a value, or its absence, is shown in Swedish."""
    if row["value"] is None:
        return texts.text("sv", f"missing.mark.{row['reason']}")
    return texts.number(row["value"], "sv", decimals)


def test_the_means_of_the_years_are_those_of_the_mart_and_made_up_figures_say_so(
    atlas: Atlas, watched: Watched
) -> None:
    page = watched.open(f"kommun/{LILLA_EDET}.html")
    years = atlas.sql(
        "select year, mean_value as value, missing_reason as reason from marts.jobseekers_yearly "
        "where municipality_id = ? and measure_id = 'af_jobseekers' and age_group = 'total' "
        "and gender = 'T' order by year",
        [LILLA_EDET],
    )
    found = rows_of(page, "counts")
    assert [row[:2] for row in found] == [[str(row["year"]), shown(row, 0)] for row in years]
    assert [row["reason"] for row in years][-1] == "not_yet_published"  # one month is no year
    section = page.locator("section[aria-labelledby=jobseekers]")
    assert "påhittade" in section.locator(".notice").inner_text()
    for line in section.locator(".source").all_text_contents():
        assert "Källa: Arbetsförmedlingen" in line
        assert "Hämtad 2023-01-23, 2023-02-23" in line
        assert "Påhittade exempelsiffror" in line
    assert "egen beräkning" in section.locator("[data-af=counts] .source").inner_text()


def test_the_chart_has_every_month_and_the_break_of_ages_in_its_month(atlas: Atlas, watched: Watched) -> None:
    page = watched.open(f"kommun/{LILLA_EDET}.html")
    months = atlas.sql(
        "select strftime(month, '%Y-%m') as month, value from marts.jobseekers_monthly "
        "where municipality_id = ? and measure_id = 'af_jobseekers' and age_group = 'total' "
        "and gender = 'T' order by month",
        [LILLA_EDET],
    )
    block = page.locator("[data-af=counts]")
    titles = block.locator("circle title").all_text_contents()
    assert [text for text in titles if text.startswith("inskrivna arbetslösa ")] == [
        f"inskrivna arbetslösa {row['month']}: {row['value']:.0f}" for row in months
    ]
    notes = block.locator(".axis-notes").inner_text()
    assert "2023-01 Brott i serien: åldrarna blir 16–65 år" in notes
    notes = page.locator("[data-af=shares] .axis-notes").inner_text()
    assert "2022-01 Brott i serien: nämnaren blir BAS" in notes


def test_shares_stand_apart_by_denominator_and_beside_the_pair(atlas: Atlas, watched: Watched) -> None:
    page = watched.open(f"kommun/{LILLA_EDET}.html")
    rows_of(page, "shares")
    headings = page.locator("[data-af=shares] thead th").all_inner_texts()
    assert headings == [
        "År",
        "av arbetskraften enligt BAS",
        "av arbetskraften enligt RAMS",
        "Kramfors, av arbetskraften enligt BAS",
    ]
    means = atlas.sql(
        "select mean_value as value, missing_reason as reason from marts.jobseekers_yearly "
        "where year = 2022 and gender = 'T' and age_group = 'total' and (municipality_id, measure_id) in "
        "((?, 'af_jobseekers_share_bas'), (?, 'af_jobseekers_share_rams'), (?, 'af_jobseekers_share_bas')) "
        "order by municipality_id, measure_id",
        [LILLA_EDET, LILLA_EDET, KRAMFORS],
    )
    shares = {row[0]: row[1:] for row in rows_of(page, "shares")}
    assert shares["2022"] == [shown(row, 1) for row in means]


def test_the_months_can_be_taken_along_with_their_reasons(
    atlas: Atlas, watched: Watched, tmp_path: Path
) -> None:
    page = watched.open(f"kommun/{OCKERO}.html?gender=K")
    block = page.locator("[data-af=months]")
    block.locator("summary").click()
    with page.expect_download() as download:
        block.locator("[data-export=csv]").click()
    download.value.save_as(tmp_path / "m.csv")
    lines = (tmp_path / "m.csv").read_text(encoding="utf-8-sig").splitlines()
    found = {row["Månad"]: row for row in csv.DictReader(lines, delimiter=";")}
    months = atlas.sql(
        "select strftime(month, '%Y-%m') as month, value, missing_reason from marts.jobseekers_monthly "
        "where municipality_id = ? and measure_id = 'af_jobseekers_over_24_months' "
        "and age_group = 'total' and gender = 'K' order by month",
        [OCKERO],
    )
    for row in months:
        value = "" if row["value"] is None else f"{row['value']:g}"
        cell = found[row["month"]]
        assert cell["af_jobseekers_over_24_months"] == value
        assert cell["af_jobseekers_over_24_months_missing_reason"] == (row["missing_reason"] or "")
    assert any(line.startswith("Källa: Arbetsförmedlingen") for line in lines)


def test_the_newest_month_and_the_density_are_the_marts(atlas: Atlas, watch: Callable[..., Watched]) -> None:
    page = watch().open(f"en/kommun/{LILLA_EDET}.html")
    ages = atlas.sql(
        "select age_group, gender, value from marts.jobseekers_monthly where municipality_id = ? "
        "and measure_id = 'af_jobseekers' and age_group <> 'total' and duration = 'total' "
        "and month = (select max(month) from marts.jobseekers_monthly where measure_id = 'af_jobseekers')",
        [LILLA_EDET],
    )
    found = {row[0]: row[1:] for row in rows_of(page, "latest")}
    assert ages
    for row in ages:
        name = f"{row['age_group'].replace('-', '–')} years"
        assert found[name]["TKM".index(row["gender"])] == texts.number(row["value"], "en")
    density = atlas.sql(
        "select share_of_county_pct, jobseekers_per_km2 from marts.jobseeker_density where area_id = ? "
        "order by month desc limit 1",
        [LILLA_EDET],
    )[0]
    block = page.locator("[data-af=density]")
    assert density["jobseekers_per_km2"] is None  # the sample has no land area
    assert block.locator("dd").all_inner_texts() == [
        "not loaded",
        f"{texts.number(density['share_of_county_pct'], 'en', 1)}\xa0%",
    ]
