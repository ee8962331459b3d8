"""Kvalitet: incidents, checks and versions as they are published."""

from __future__ import annotations

from tests.atlas.conftest import Atlas, Watched


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


def test_data_docs_are_part_of_the_site(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("kvalitet.html")
    page.locator("#checks ~ p a").click()
    page.wait_for_load_state("networkidle")
    assert "/data_docs/" in page.url


def test_the_published_version_is_marked(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("en/kvalitet.html")
    assert page.locator("#run-list strong").inner_text() == atlas.made.version
