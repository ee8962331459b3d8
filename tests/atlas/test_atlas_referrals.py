"""Anvisningar: shares, classes and means are those of the marts; a missing share borrows only a class."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from tests.atlas.conftest import Atlas, Watched

from ame_warehouse.settings import PROJECT_ROOT

GR = "G96190"
CELLS = """() => Object.fromEntries([...document.querySelectorAll("table.classes tbody tr")].flatMap((row) =>
    [...row.querySelectorAll("td.share")].map((cell, i) => [
        row.querySelector("th").textContent + " " +
            document.querySelectorAll("table.classes thead th.num")[i].textContent,
        [cell.firstChild.textContent, cell.className, cell.title]])))"""


def test_every_cell_has_the_class_of_the_rule(atlas: Atlas, watched: Watched) -> None:
    expected = atlas.sql(
        "select municipality, year, share_pct, missing_reason, share_class, class_rule, class_year "
        "from marts.referrals join marts.group_members using (municipality_id, municipality) "
        "where referral_source = 'af' and group_id = ?",
        [GR],
    )
    page = watched.open("anvisningar.html")  # the region is shown first
    assert page.locator("#group").input_value() == GR
    shown = page.evaluate(CELLS)
    assert len(shown) == len(expected) == 13 * 6
    for row in expected:
        text, classes, title = shown[f"{row['municipality']} {row['year']}"]
        assert f"class-{row['share_class']}" in classes
        if row["share_pct"] is None:
            assert text == "i.u."
            assert "borrowed" in classes
            assert str(row["class_year"]) in title
            following = "följande" if row["class_rule"] == "next_year" else "föregående"
            assert following in title
        else:
            assert text == f"{row['share_pct']:.0f}"
            assert "borrowed" not in classes
    assert {row["class_rule"] for row in expected} == {"own_value", "next_year", "previous_year"}


def test_the_bounds_in_words_are_those_of_the_seed() -> None:
    seeds = PROJECT_ROOT / "dbt_project" / "seeds"
    with (seeds / "share_classes.csv").open(encoding="utf-8") as file:
        bounds = {row["class"]: row for row in csv.DictReader(file)}
    with (seeds / "glossary.csv").open(encoding="utf-8") as file:
        said = next(row for row in csv.DictReader(file) if row["term_id"] == "referral_share_classes")
    low, medium, high = (bounds[name] for name in ("low", "medium", "high"))
    for text in (said["definition_sv"], said["definition_en"]):
        assert f"{low['lower_pct']}–{low['upper_pct']}" in text
        assert f"{medium['lower_pct']}–{medium['upper_pct']}" in text
        assert f" {high['lower_pct']} " in text


@pytest.mark.parametrize("source", ["social_services", "af_total"])
def test_another_source_is_shown_and_kept_in_the_address(source: str, atlas: Atlas, watched: Watched) -> None:
    page = watched.open("anvisningar.html?group=LOKA8")
    page.locator("#source").select_option(source)
    page.wait_for_function("document.querySelector('table.classes caption').textContent.length > 0")
    page.wait_for_load_state("networkidle")
    assert f"source={source}" in page.url
    expected = atlas.sql(
        "select municipality, year, share_pct from marts.referrals "
        "join marts.group_members using (municipality_id, municipality) "
        "where referral_source = ? and group_id = 'LOKA8' and share_pct is not null",
        [source],
    )
    shown = page.evaluate(CELLS)
    assert expected
    for row in expected:
        assert shown[f"{row['municipality']} {row['year']}"][0] == f"{row['share_pct']:.0f}"


def test_the_means_are_those_of_the_group_summary_with_who_is_missing(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("anvisningar.html")
    rows = page.locator("#means-table tbody tr").all()
    expected = atlas.sql(
        "select year, mean_unweighted, mean_weighted, mean_constant_panel, n_reporting, n_members, "
        "missing_municipality_ids from marts.group_summary where group_id = ? "
        "and measure_id in ('referral_share_af', 'referral_share_social_services') "
        "order by measure_id, year",
        [GR],
    )
    names = {r["municipality_id"]: r["municipality"] for r in atlas.sql("from marts.dim_municipality")}
    assert len(rows) == len(expected) == 7
    for row, want in zip(rows, expected, strict=True):
        _source, *cells = row.locator("th, td").all_inner_texts()
        year, unweighted, weighted, panel, reporting, missing = cells
        assert year == str(want["year"])
        assert unweighted == decimal(want["mean_unweighted"])
        assert weighted == decimal(want["mean_weighted"])
        assert panel.split(" ")[0] == decimal(want["mean_constant_panel"])
        assert reporting == f"{want['n_reporting']}/{want['n_members']}"
        ids = [one for one in want["missing_municipality_ids"].split(",") if one]
        assert set(missing.split(", ")) == ({names[one] for one in ids} or {"ingen"})


def test_the_chart_follows_the_chosen_mean_and_has_the_reforms(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("anvisningar.html")
    values = {}
    for mean in ("unweighted", "weighted", "constant_panel"):
        page.locator(f"[name=mean][value={mean}]").check()
        page.wait_for_function(f"!{mean!r}.startsWith('u') === location.search.includes('mean={mean}')")
        page.wait_for_load_state("networkidle")
        values[mean] = page.locator("#chart svg circle title").all_text_contents()
    want = atlas.sql(
        "select mean_weighted from marts.group_summary where group_id = ? and year = 2022 "
        "and measure_id = 'referral_share_af'",
        [GR],
    )[0]["mean_weighted"]
    assert f"Arbetsförmedlingen 2022: {decimal(want)}\xa0%" in values["weighted"]
    assert len({tuple(list_) for list_ in values.values()}) == 3
    # four of thirteen are too few to be drawn
    assert not any(title.startswith("Socialtjänsten") for title in values["unweighted"])
    events = atlas.sql("select title_sv from marts.dim_event where year between 2017 and 2022")
    notes = page.locator("#chart .axis-notes").inner_text()
    assert all(event["title_sv"] in notes for event in events)


def test_the_download_is_the_mart_with_the_reason_of_what_is_missing(
    atlas: Atlas, watched: Watched, tmp_path: Path
) -> None:
    page = watched.open("anvisningar.html")
    with page.expect_download() as info:
        page.locator("#table [data-export=csv]").click()
    info.value.save_as(tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    table, notes = text.split("\n\n" if "\n\n" in text else "\r\n\r\n", 1)
    rows = list(csv.DictReader(io.StringIO(table), delimiter=";"))
    expected = atlas.sql(
        "select municipality_id, municipality, year, referral_source, share_pct, missing_reason, "
        "share_class, class_rule, class_year, explanation from marts.referrals "
        "join marts.group_members using (municipality_id, municipality) "
        "where referral_source = 'af' and group_id = ? order by municipality_id, year",
        [GR],
    )
    plain = [
        {k: "" if v is None else f"{v:g}" if isinstance(v, float) else str(v) for k, v in row.items()}
        for row in expected
    ]
    assert sorted(rows, key=lambda r: (r["municipality_id"], r["year"])) == plain
    assert "Källa: Kolada, U40806" in notes
    assert "egen beräkning" in notes


def decimal(value: float | None) -> str:
    """Return a number as the page shows it, with a decimal comma."""
    return "–" if value is None else f"{value:.1f}".replace(".", ",")
