"""Luckor by month: what Arbetsförmedlingen does not give, or suppresses, as the published tables say it."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.atlas.conftest import Atlas, Watched

from ame_warehouse.atlas import texts

MEASURE = "af_jobseekers_post_secondary_education_over_24_months"
OCKERO = "1407"
CELLS = """() => Object.fromEntries([...document.querySelectorAll("td.cell")].map((cell) =>
    [cell.getAttribute("aria-label").split(": ")[0], [cell.textContent, cell.className]]))"""


def test_every_month_of_a_year_is_as_published_with_its_coverage(atlas: Atlas, watched: Watched) -> None:
    page = watched.open(f"luckor.html?measure={MEASURE}&year=2021")
    cells = atlas.sql(
        "select municipality || ' ' || strftime(month, '%Y-%m') as cell, m.value, g.kind, g.shown_as "
        "from marts.jobseekers_monthly m "
        "left join quality.gaps_monthly g using (measure_id, municipality_id, municipality, month) "
        "where m.measure_id = ? and m.gender = 'T' and m.age_group = 'total' and year(month) = 2021 "
        "and municipality_id in (select municipality_id from quality.gaps_monthly where measure_id = ?)",
        [MEASURE, MEASURE],
    )
    page.locator("td.cell").first.wait_for()
    shown = page.evaluate(CELLS)
    assert len(cells) == len(shown) == 24
    assert {cell["kind"] for cell in cells} == {"new", "chronic", None}
    for cell in cells:
        kind = "known" if cell["value"] is not None else cell["kind"]
        mark = cell["shown_as"] or texts.number(cell["value"], "sv")
        assert shown[cell["cell"]] == [mark, f"cell {kind}"]
    coverage = atlas.sql(
        "select n_reported || '/' || n_expected as shown from quality.coverage_monthly "
        "where measure_id = ? and year(month) = 2021 order by month",
        [MEASURE],
    )
    row = page.locator(".heat tr.coverage td").all_inner_texts()
    assert row == [one["shown"] for one in coverage]


def test_a_month_tells_its_reason_last_value_and_source(
    atlas: Atlas, watched: Watched, tmp_path: Path
) -> None:
    gap = atlas.sql(
        "select strftime(g.month, '%Y-%m') as month, strftime(g.last_reported_month, '%Y-%m') as last, "
        "m.value, g.first_seen_at::date::text as since "
        "from quality.gaps_monthly g join marts.jobseekers_monthly m on m.measure_id = g.measure_id "
        "and m.municipality_id = g.municipality_id and m.month = g.last_reported_month "
        "and m.gender = 'T' and m.age_group = 'total' "
        "where g.measure_id = ? and g.municipality_id = ? and g.kind = 'new'",
        [MEASURE, OCKERO],
    )[0]
    page = watched.open(f"luckor.html?measure={MEASURE}&year={gap['month'][:4]}")
    page.locator(f"td.cell[aria-label^='Öckerö {gap['month']}']").click()
    details = page.locator("#details").inner_text()
    assert "skyddad av sekretess" in details
    assert f"{gap['last']}: {texts.number(gap['value'], 'sv')}" in details
    assert gap["since"] in details
    source = page.locator("#map .source").inner_text()
    assert source.startswith("Källa: Arbetsförmedlingen")
    assert "Påhittade exempelsiffror" in source
    with page.expect_download() as download:
        page.locator("#map [data-export=csv]").click()
    download.value.save_as(tmp_path / "gaps.csv")
    rows = list(csv.DictReader((tmp_path / "gaps.csv").open(encoding="utf-8-sig"), delimiter=";"))
    found = next(r for r in rows if r["municipality_id"] == OCKERO and r["year"] == gap["month"])
    assert (found["kind"], found["reason"], found["value"]) == ("new", "suppressed", "")


def test_a_measure_by_year_has_no_choice_of_months(watched: Watched) -> None:
    page = watched.open(f"luckor.html?measure={MEASURE}")
    page.locator("#months").wait_for()
    assert page.locator("#year").input_value() == "2023"  # the newest gap
    page.locator("#measure").select_option("referral_share_af")
    page.locator("#months").wait_for(state="hidden")
    assert "year=" not in page.url
    page.locator("td.cell.new").first.wait_for()
