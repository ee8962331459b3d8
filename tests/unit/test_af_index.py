"""Discovery: files are known by their whole name, the newest month wins, absence is an alarm."""

import pytest

from ame_warehouse.arbetsformedlingen.index import file_name, find_links, read_links
from ame_warehouse.arbetsformedlingen.layouts import LAYOUTS, layout_of
from ame_warehouse.errors import SourceError

PAGE = "https://arbetsformedlingen.se/statistik/sok-statistik/tidigare-statistik-tidsserier"
BAS = "web-inskrivna-arbetslosa-andel-av-bas"


def page(*hrefs: str) -> bytes:
    return ("<html><body>" + "".join(f'<a href="{href}">x</a>' for href in hrefs) + "</body></html>").encode()


def found(dataset: str, *names: str):
    links = [
        f"https://arbetsformedlingen.se/download/18.{n:x}/169{n:010d}/{name}" for n, name in enumerate(names)
    ]
    chosen, notes = find_links(layout_of(dataset), links, PAGE)
    return [link.name for link in chosen], [(note.kind, note.severity) for note in notes]


@pytest.mark.parametrize(
    "name",
    [
        f"{BAS}-2024-01.xlsx",
        f"{BAS}_2024-01.xlsx",
        "Web_inskrivna_arbetslosa_andel_av_bas-2024-01.XLSX",
        "web-inskrivna-arbetslösa-andel-av-bas-2024_01.xlsx",
        f"{BAS}-2024-01.csv",
    ],
)
def test_spelling_may_vary(name):
    assert found("andel_av_bas", name) == ([name], [])


@pytest.mark.parametrize(
    "name",
    [
        f"{BAS}-arsgenomsnitt-2024-01.xlsx",
        f"{BAS}-mer-an-12-manader-2024-01.xlsx",
        f"mer-an-12-manader-{BAS}-2024-01.xlsx",
        f"{BAS}-2024-01-rev.xlsx",
        f"{BAS}-2024-01.xlsx.html",
        f"{BAS}-2024.xlsx",
        f"{BAS}-2024-01.pdf",
    ],
)
def test_a_part_of_a_name_is_not_enough(name):
    names, notes = found("andel_av_bas", name)
    assert names == []
    assert notes == [("missing_file", "error")]


@pytest.mark.parametrize("month", ["2202-07", "9999-12", "2024-13", "2024-00", "0000-01"])
def test_a_month_that_cannot_be_does_not_hold_back_what_comes_after_it(month):
    names = [f"web-sok-lan-kom-{month}.xlsx", "web-sok-lan-kom-2024-02.xlsx"]
    assert found("sok_lan_kom", *names) == ([names[1]], [("impossible_month", "warning")])


def test_the_newest_month_wins_wherever_it_stands():
    names = [f"web-sok-lan-kom-{month}.xlsx" for month in ("2023-11", "2024-02", "2024-01")]
    assert found("sok_lan_kom", *names)[0] == ["web-sok-lan-kom-2024-02.xlsx"]
    assert found("sok_lan_kom", *reversed(names))[0] == ["web-sok-lan-kom-2024-02.xlsx"]


def test_of_two_links_to_one_month_the_newer_stamp_is_used_and_said():
    old = "https://arbetsformedlingen.se/download/18.ff/1690000000000/web-sok-lan-kom-2024-01.xlsx"
    new = "https://arbetsformedlingen.se/download/18.aa/1700000000000/web-sok-lan-kom-2024-01.xlsx"
    for links in ([old, new], [new, old]):
        chosen, notes = find_links(layout_of("sok_lan_kom"), links, PAGE)
        assert [link.url for link in chosen] == [new]
        assert [note.kind for note in notes] == ["duplicate_link"]


def test_every_period_of_rusta_och_matcha_is_taken():
    names = [f"rusta-och-matcha_resultatuppfoljning_{month}.xlsx" for month in ("2025-11", "2026-01")]
    other = "betyg-rusta-och-matcha-2026-01.xlsx"
    assert found("rusta_och_matcha", *names, other)[0] == list(reversed(names))


def test_similar_names_are_shown_when_none_fits():
    _, notes = find_links(layout_of("andel_av_bas"), [f"https://a.se/{BAS}-arsgenomsnitt-2024-01.xlsx"], PAGE)
    assert "arsgenomsnitt" in notes[0].found


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if not layout.required])
def test_absence_of_a_file_that_is_not_needed_is_a_warning(layout):
    assert find_links(layout, [], PAGE)[1][0].severity == "warning"


@pytest.mark.parametrize(
    "href",
    [
        "https://example.invalid/download/18.1/1/web-sok-lan-kom-2024-01.xlsx",
        "http://arbetsformedlingen.se/download/web-sok-lan-kom-2024-01.xlsx",
        "https://arbetsformedlingen.se:8443/web-sok-lan-kom-2024-01.xlsx",
        "https://user@arbetsformedlingen.se/web-sok-lan-kom-2024-01.xlsx",
        "ftp://arbetsformedlingen.se/web-sok-lan-kom-2024-01.xlsx",
        "file:///etc/web-sok-lan-kom-2024-01.xlsx",
    ],
)
def test_links_to_other_hosts_and_schemes_are_not_followed(href):
    chosen, notes = find_links(layout_of("sok_lan_kom"), [href], PAGE)
    assert chosen == []
    assert [note.kind for note in notes] == ["foreign_link", "missing_file"]


def test_the_www_twin_of_the_host_is_followed():
    href = "https://www.arbetsformedlingen.se/download/18.1/1/web-sok-lan-kom-2024-01.xlsx"
    assert find_links(layout_of("sok_lan_kom"), [href], PAGE)[0][0].url == href


def test_relative_links_base_and_fragments():
    body = b'<base href="/statistik/"><a href="a.xlsx#x">a</a><a>c</a>'
    body += b'<a href="//arbetsformedlingen.se/b.xlsx">b</a>'
    assert read_links(body, PAGE) == [
        "https://arbetsformedlingen.se/statistik/a.xlsx",
        "https://arbetsformedlingen.se/b.xlsx",
    ]


def test_a_latin1_page_and_percent_encoding_in_either_charset():
    body = '<meta charset="iso-8859-1"><a href="/d/web-arbetslösa.xlsx">Årsgenomsnitt</a>'.encode("latin-1")
    assert read_links(body, PAGE)[0].endswith("/d/web-arbetslösa.xlsx")
    assert file_name("https://a.se/d/l%C3%B6s.xlsx") == "lös.xlsx"
    assert file_name("https://a.se/d/l%F6s.xlsx") == "lös.xlsx"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "empty page"),
        (b"   \n", "empty page"),
        (b'{"error": "moved"}', "moved"),
        (b"%PDF-1.7 binary", "%PDF"),
        (b"<html><body><h1>Sidan finns inte</h1></body></html>", "HTML without links"),
    ],
)
def test_what_is_not_the_page_is_said_clearly(body, found):
    with pytest.raises(SourceError) as fault:
        read_links(body, PAGE)
    assert found in str(fault.value)
    assert PAGE in str(fault.value)
    assert "AME_AF_URL" in str(fault.value)
