"""Luckor: the heat map says of each cell what the published quality tables say."""

from __future__ import annotations

import pytest
from tests.atlas.conftest import Atlas, Watched

MEASURE = "referral_share_af"


def test_every_cell_is_as_published(atlas: Atlas, watched: Watched) -> None:
    cells = atlas.sql(
        "select m.municipality || ' ' || o.year as cell, o.value, g.kind, g.shown_as "
        "from marts.observations o join marts.dim_municipality m using (municipality_id) "
        "left join quality.gaps g using (measure_id, municipality_id, year) "
        "where o.measure_id = ? and o.gender = 'T' and m.type = 'K'",
        [MEASURE],
    )
    page = watched.open(f"luckor.html?measure={MEASURE}")
    shown = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('td.cell')].map((c) => "
        "[c.getAttribute('aria-label').split(': ')[0], [c.textContent, c.className]]))"
    )
    assert len(cells) == 82
    for cell in cells:
        text, classes = shown.pop(cell["cell"])
        if cell["value"] is not None:
            assert (text, classes) == (f"{cell['value']:.0f}", "cell known")
        else:
            assert text.split()[0] == cell["shown_as"]
            assert classes == f"cell {cell['kind']}"
    assert {classes for _text, classes in shown.values()} == {
        "cell none"
    }  # a cell that nothing spans is no gap


def test_coverage_by_year_is_as_published(atlas: Atlas, watched: Watched) -> None:
    page = watched.open(f"luckor.html?measure={MEASURE}")
    expected = atlas.sql(
        "select year, n_reported, n_expected from quality.coverage where measure_id = ? order by year",
        [MEASURE],
    )
    assert page.locator(".heat tr.coverage td").all_inner_texts() == [
        f"{row['n_reported']}/{row['n_expected']}" for row in expected
    ]


def test_arrow_keys_lead_to_a_gap_with_its_last_value_and_incident(atlas: Atlas, watched: Watched) -> None:
    gap = atlas.sql(
        "select g.last_reported_year, g.first_seen_at::date::text as since, i.incident_id, o.value "
        "from quality.gaps g join quality.failing_gaps_new f using (measure_id, municipality_id, year) "
        "join quality.incidents i on i.check_id = 'gaps_new' and i.scope = f.incident_scope "
        "join marts.observations o on o.measure_id = g.measure_id and o.municipality_id = g.municipality_id "
        "and o.year = g.last_reported_year and o.gender = 'T' "
        "where g.measure_id = ? and g.municipality_id = '1419' and g.year = 2022",
        [MEASURE],
    )[0]
    page = watched.open(f"luckor.html?measure={MEASURE}")
    page.locator(".heat td.cell[tabindex='0']").focus()
    rows = page.locator(".heat tbody th").all_inner_texts()
    page.keyboard.press("End")
    for _ in range(rows.index("Tjörn")):
        page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Tjörn 2022")
    assert page.locator(".heat [tabindex='0']").count() == 1
    details = page.locator("#details").inner_text()
    assert f"{gap['last_reported_year']}: {gap['value']:.0f}\xa0%" in details
    assert gap["incident_id"] in details
    assert gap["since"] in details
    assert "ingen har kvitterat" in details
    page.keyboard.press("ArrowRight")  # the row ends here
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Tjörn 2022")


@pytest.mark.parametrize(("name", "value"), [("group", "GR12_KRANS"), ("order", "gaps")])
def test_a_choice_is_kept_in_the_other_language(
    name: str, value: str, atlas: Atlas, watched: Watched
) -> None:
    page = watched.open("luckor.html")
    page.locator(f"#{name}").select_option(value)
    assert f"{name}={value}" in page.url
    page.locator("a.language").click()
    page.locator(".heat td.cell").first.wait_for()
    assert page.locator(f"#{name}").input_value() == value
    shown = page.locator(".heat tbody th").all_inner_texts()
    if name == "group":
        members = atlas.sql("select municipality from marts.group_members where group_id = ?", [value])
        assert set(shown) == {row["municipality"] for row in members}
    else:
        assert shown[0] in {"Göteborg", "Härryda", "Tjörn"}  # two gaps each


def test_the_history_of_a_cell_has_every_version(atlas: Atlas, watched: Watched) -> None:
    page = watched.open(f"luckor.html?measure={MEASURE}")
    page.locator(".heat td.cell", has_text="i.u. !").first.click()
    page.locator("#details button.history").click()
    page.locator("dialog[open]").wait_for()
    versions = atlas.sql(
        "select count(*) as n from marts.observation_history "
        "where measure_id = ? and municipality_id = '1419'",
        [MEASURE],
    )[0]["n"]
    assert page.locator("dialog tbody tr").count() == versions
    page.keyboard.press("Escape")
    assert page.locator("dialog").count() == 0
    assert page.evaluate("document.activeElement.className").startswith("link")
