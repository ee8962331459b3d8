"""Jämför: values, differences and downloads are those of the marts; the address holds the choice."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from playwright.sync_api import Page
from tests.atlas.conftest import Atlas, Watched

PAIR = "LOKA_PAIR_1"
KAS = "referral_share_social_services"


def table(page: Page) -> dict[str, dict[str, str]]:
    """Return the rows of the wide table: name → heading → what is shown."""
    page.locator("#table tbody tr").first.wait_for()
    shown: dict[str, dict[str, str]] = page.evaluate(
        """() => {
            const heads = [...document.querySelectorAll("#table thead th")].map((e) => e.textContent);
            return Object.fromEntries([...document.querySelectorAll("#table tbody tr")].map((row) => [
                row.querySelector("th").textContent,
                Object.fromEntries([...row.querySelectorAll("td")].map((cell, i) => [heads[i + 1],
                    (cell.querySelector("button")?.firstChild ?? cell).textContent])),
            ]));
        }"""
    )
    return shown


def download(page: Page, kind: str, path: Path) -> Path:
    """Press a button of download and return the file."""
    with page.expect_download() as info:
        page.locator(f"#table [data-export={kind}]").click()
    info.value.save_as(path)
    return path


def people(value: float | None) -> str:
    """Return a signed or plain whole number as the page shows it."""
    return "" if value is None else f"{value:.0f}".replace("-", "\u2212")


def test_the_first_pair_is_shown_first_with_its_differences(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("jamfor.html")
    shown = table(page)
    pair = atlas.sql(
        "select year, value_a, value_b, difference, a.municipality as a, b.municipality as b "
        "from marts.pair_comparison p "
        "join marts.dim_municipality a on a.municipality_id = p.municipality_id_a "
        "join marts.dim_municipality b on b.municipality_id = p.municipality_id_b "
        "where group_id = ? and measure_id = 'ame_participants_total' and gender = 'T' "
        "and difference is not null",
        [PAIR],
    )
    assert pair
    heading = f"Skillnad {pair[0]['a']} \u2212 {pair[0]['b']}, personer"
    for row in pair:
        year = str(row["year"])
        assert shown[row["a"]][year] == people(row["value_a"])
        assert shown[row["b"]][year] == people(row["value_b"])
        assert shown[heading][year].lstrip("+") == people(row["difference"])


def test_shares_are_compared_in_percentage_points(atlas: Atlas, watched: Watched) -> None:
    pair = atlas.sql(
        "select * from marts.pair_comparison where group_id = ? and measure_id = ? and year = 2022",
        [PAIR, KAS],
    )[0]
    ids = f"{pair['municipality_id_a']},{pair['municipality_id_b']}"
    page = watched.open(f"jamfor.html?measure={KAS}&places={ids}")
    shown = table(page)
    heading = next(name for name in shown if name.startswith("Skillnad"))
    assert heading.endswith("procentenheter")
    assert shown[heading]["2022"].lstrip("+") == people(pair["difference_pp"])
    page = watched.open("jamfor.html?measure=referral_share_af&places=1462,1441")
    shown = table(page)
    change = atlas.sql(
        "select municipality, "
        "max(share_pct) filter (year = 2022) - max(share_pct) filter (year = 2017) as pp "
        "from marts.referrals where referral_source = 'af' and municipality_id in ('1462', '1441') group by 1"
    )
    for row in change:
        found = shown[row["municipality"]]["Förändring 2017–2022, procentenheter"]
        assert found.lstrip("+") == people(row["pp"])


def test_nothing_is_subtracted_from_an_order(watched: Watched) -> None:
    page = watched.open("jamfor.html?measure=socioeconomic_sorting_key&places=1462,2282")
    shown = table(page)
    assert set(shown) == {"Lilla Edet", "Kramfors"}
    assert not any("Förändring" in heading for heading in shown["Kramfors"])
    assert "rangordning" in page.locator("#notes").inner_text()


def test_a_mean_is_that_of_the_marts_and_has_no_change_when_members_differ(
    atlas: Atlas, watched: Watched
) -> None:
    page = watched.open("jamfor.html?measure=referral_share_af&places=1441&mean=G96190")
    shown = table(page)["Göteborgsregionen (medel)"]
    means = atlas.sql(
        "select year, mean_unweighted, n_reporting, n_members from marts.group_summary "
        "where group_id = 'G96190' and measure_id = 'referral_share_af'"
    )
    for row in means:
        value = f"{row['mean_unweighted']:.1f}".replace(".", ",")
        assert shown[str(row["year"])] == f"{value} {row['n_reporting']}/{row['n_members']}"
    assert shown["Förändring 2017–2022, procentenheter"] == "–"
    page.locator("#from").select_option("2020")
    page.locator("#to").select_option("2021")
    page.wait_for_function("location.search.includes('to=2021')")
    page.locator("th.change", has_text="2020–2021").wait_for()
    assert table(page)["Göteborgsregionen (medel)"]["Förändring 2020–2021, procentenheter"] == "\u22125,9"


def test_choosing_by_keyboard_stands_in_the_address_and_can_be_shared(
    watched: Watched, watch: Any, atlas: Atlas
) -> None:
    page = watched.open("jamfor.html?places=-")
    assert "Välj minst en kommun" in page.locator("#table").inner_text()
    for name in ("Tjörn", "kungsbacka", "Ingenstans"):
        page.locator("#add-place").fill(name)
        page.locator("#add-place").press("Enter")
    assert "Ingenstans" in page.locator("#said").inner_text()
    page.locator("#chosen button").nth(1).wait_for()
    page.locator("#add-group").select_option("LOKA_PAIR_2")
    page.locator("#chosen button").nth(3).wait_for()
    page.locator("#measure").select_option("referral_share_af")
    page.locator("#to").select_option("2021")
    page.locator("#chosen button", has_text="Kungsbacka").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('#chosen button').length === 3")
    assert page.evaluate("document.activeElement.closest('#chosen') !== null")
    asked = parse_qs(urlsplit(page.url).query)
    pair = atlas.sql("select municipality_id from marts.group_members where group_id = 'LOKA_PAIR_2'")
    assert asked["measure"] == ["referral_share_af"]
    assert set(asked["places"][0].split(",")) == {"1419", *(row["municipality_id"] for row in pair)}
    assert asked["to"] == ["2021"]
    page.wait_for_load_state("networkidle")
    other = watch()
    other.page.goto(page.url, wait_until="networkidle")
    assert table(other.page) == table(page)
    other.page.locator("a.language").click()
    other.page.locator("#table tbody tr").first.wait_for()
    english = table(other.page)
    assert set(english) == {"Tjörn", "Mölndal"}
    assert "Härnösand" in other.page.locator("#notes").inner_text()  # no figure in these years


def test_every_number_has_source_vintage_retrieval_and_history(atlas: Atlas, watched: Watched) -> None:
    page = watched.open("jamfor.html?measure=ame_participants_total&places=1419,1402")
    published = {
        (row["municipality"], str(row["year"])): row
        for row in atlas.sql(
            "select m.municipality, o.* from marts.observations o "
            "join marts.dim_municipality m using (municipality_id) where o.gender = 'T' "
            "and measure_id = 'ame_participants_total' and municipality_id in ('1419', '1402')"
        )
    }
    page.locator("#numbers summary").click()
    seen = 0
    for row in page.locator("#long tbody tr").all():
        place, year, value, reason, source, vintage, retrieved, *_ = row.locator("th, td").all_inner_texts()
        if place.startswith("Skillnad"):
            assert source.startswith("Egen beräkning utifrån Kolada")
            continue
        want = published[place, year]
        assert value == (people(want["value"]) if want["value"] is not None else "i.u.")
        assert bool(reason) == (want["missing_reason"] is not None)
        assert source == f"Källa: Kolada, {want['kpi_id']}"
        assert vintage == want["vintage"]
        assert retrieved == str(want["fetched_at"].date())
        seen += 1
    assert seen == len(published) > 6
    figure = page.locator("#table button.figure").first
    assert "Källa: Kolada" in (figure.get_attribute("title") or "")
    figure.click()
    page.locator("dialog tbody tr").first.wait_for()
    versions = atlas.sql(
        "select count(*) as n from marts.observation_history "
        "where measure_id = 'ame_participants_total' and municipality_id = '1419'"
    )[0]["n"]
    assert page.locator("dialog tbody tr").count() == versions


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_download_is_the_mart_with_numbers_reasons_and_source(
    kind: str, atlas: Atlas, watched: Watched, tmp_path: Path
) -> None:
    page = watched.open("jamfor.html?measure=referral_share_af&places=1419,1440,1480")
    assert not any("xlsx.js" in url for url in watched.requests)
    path = download(page, kind, tmp_path / f"a.{kind}")
    rows, notes = read_csv(path) if kind == "csv" else read_xlsx(path)
    expected = atlas.sql(
        "select * from marts.observations where measure_id = 'referral_share_af' and gender = 'T' "
        "and municipality_id in ('1419', '1440', '1480') order by municipality_id, year"
    )
    assert len(rows) == len(expected) == 18
    for row, want in zip(sorted(rows, key=lambda r: (r["place_id"], int(r["year"]))), expected, strict=True):
        assert (row["place_id"], int(row["year"])) == (want["municipality_id"], want["year"])
        value = row["value"]
        if kind == "csv":
            assert value == ("" if want["value"] is None else f"{want['value']:g}")
        else:
            assert value == want["value"]
        assert (row["missing_reason"] or None) == want["missing_reason"]
        assert row["source"] == "Källa: Kolada"
        assert row["kpi_id"] == want["kpi_id"]
        assert row["vintage"] == want["vintage"]
    assert any(row["value"] in ("", None) for row in rows)
    assert "Källa: Kolada, U40806" in notes


def test_our_own_calculations_are_not_signed_kolada(atlas: Atlas, watched: Watched, tmp_path: Path) -> None:
    page = watched.open("jamfor.html?measure=own_net_cost_sek_per_participant&places=1384,1401&mean=LOKA8")
    rows, notes = read_csv(download(page, "csv", tmp_path / "a.csv"))
    published = {
        (row["municipality_id"], str(row["year"])): row
        for row in atlas.sql("select * from marts.costs where municipality_id in ('1384', '1401')")
    }
    places = [row for row in rows if row["place_id"] != "difference"]
    assert len(places) == len(published)
    for row in places:
        want = published[row["place_id"], row["year"]]
        value = want["net_cost_sek_per_participant"]
        assert (float(row["value"]) if row["value"] else None) == value
        assert row["missing_reason"] == (want["missing_reason"] or "")
        assert row["source"] == "Egen beräkning utifrån Kolada"
        assert row["vintage"]
    assert "Egen beräkning av uppgifter ur Kolada: N40011, N01951, U40800" in notes
    assert "Källa: Kolada" not in notes


def read_csv(path: Path) -> tuple[list[dict[str, Any]], str]:
    """Return the rows of a download and the lines below them."""
    body, notes = path.read_bytes().decode("utf-8-sig").split("\r\n\r\n", 1)
    return list(csv.DictReader(io.StringIO(body), delimiter=";")), notes


def read_xlsx(path: Path) -> tuple[list[dict[str, Any]], str]:
    """Return the same of a workbook."""
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    head, *body = sheet.iter_rows(values_only=True)
    end = next(i for i, row in enumerate(body) if row[0] is None)
    rows = [dict(zip([str(name) for name in head], row, strict=True)) for row in body[:end]]
    return rows, "\n".join(str(row[0]) for row in body[end:] if row[0])
