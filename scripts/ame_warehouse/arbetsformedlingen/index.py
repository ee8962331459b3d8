"""The index page: which links are workbooks that we know, and which of them is the newest.

A file is known by its whole name (prefix, month, suffix), never by its place on the page, and never by a
part of its name: `…-andel-av-bas-arsgenomsnitt-2024-01.xlsx` is another file than
`…-andel-av-bas-2024-01.xlsx`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from ame_warehouse.arbetsformedlingen.http import same_site
from ame_warehouse.arbetsformedlingen.layouts import Layout, file_key
from ame_warehouse.arbetsformedlingen.notes import Note
from ame_warehouse.arbetsformedlingen.text import decode
from ame_warehouse.errors import SourceError

STAMP = re.compile(r"/(\d{10,16})/")
TABLE_SUFFIX = re.compile(r"\.(?:xlsx?|csv|txt)$", re.IGNORECASE)
FIRST_MONTH = "1990-01"
ORDER = {"xlsx": 2, "csv": 1, "txt": 0}


@dataclass(frozen=True)
class Link:
    """One workbook on the page: address, file name as served, month (`YYYY-MM`), suffix, time stamp of the
    address.
    """

    dataset: str
    url: str
    name: str
    month: str
    suffix: str
    stamp: int

    @property
    def rank(self) -> tuple[str, int, int, str]:
        """Newest month first; then workbook before text, newest stamp, and the address, so that one always
        wins.
        """
        return self.month, ORDER[self.suffix], self.stamp, self.url


class _Hrefs(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.hrefs: list[str] = []
        self.base: str | None = None
        self.tags = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags += 1
        href = dict(attrs).get("href")
        if tag == "base" and href and self.base is None:
            self.base = href
        elif tag == "a" and href:
            self.hrefs.append(href.strip())


def read_links(body: bytes, url: str, content_type: str | None = None) -> list[str]:
    """Return the absolute addresses of all links of a page, once each, in page order.

    Raises `SourceError` when the page is empty or is no HTML, or has no links at all.
    """
    text = decode(body, content_type)
    parser = _Hrefs()
    parser.feed(text)
    parser.close()
    if not parser.tags or not parser.hrefs:
        what = "an empty page" if not text.strip() else " ".join(text[:120].split())
        raise SourceError(
            "the index page has no links",
            expected="an HTML page that links the workbooks",
            found=what if not parser.tags else f"HTML without links: {what}",
            source=url,
            action="open AME_AF_URL in a browser; if the page has moved, set AME_AF_URL to its new address",
        )
    base = urljoin(url, parser.base) if parser.base else url
    links = []
    for href in parser.hrefs:
        try:
            links.append(urljoin(base, href).split("#")[0])
        except ValueError:
            continue
    return list(dict.fromkeys(links))


def file_name(url: str) -> str:
    """Return the file name in an address, decoded (UTF-8, else Latin-1)."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return decode(unquote_to_bytes(posixpath.basename(path.rstrip("/"))))


def _has_been(month: str) -> bool:
    """True for a month of the calendar up to the next one: the clock here may be a little behind."""
    day = datetime.now(UTC)
    last = f"{day.year + day.month // 12:04d}-{day.month % 12 + 1:02d}"
    return FIRST_MONTH <= month <= last and "01" <= month[5:] <= "12"


def find_links(layout: Layout, links: list[str], page_url: str) -> tuple[list[Link], list[Note]]:
    """Return the files of one layout that the page links, newest first, and what is odd about them.

    With `every_period` one link per month is returned, else only the newest month's.
    """
    found: dict[str, list[Link]] = {}
    notes: list[Note] = []
    near = []
    for url in links:
        name = file_name(url)
        key = file_key(name)
        matched = layout.name_pattern.fullmatch(key)
        if matched is None:
            if key.startswith(layout.prefix) and TABLE_SUFFIX.search(name):
                near.append(name)
            continue
        if not same_site(page_url, url):
            notes.append(
                Note(
                    "foreign_link",
                    "warning",
                    f"{layout.dataset}: a link to the host of the index page",
                    f"{urlsplit(url).scheme}://{urlsplit(url).netloc}, not followed",
                    name,
                )
            )
            continue
        stamp = STAMP.search(urlsplit(url).path)
        month, suffix = matched["month"], matched["suffix"]
        if not _has_been(month):  # taken once, it would hold back every later file as older
            expected = f"{layout.dataset}: a month that has been"
            notes.append(Note("impossible_month", "warning", expected, f"{month}, not followed", name))
            continue
        one = Link(layout.dataset, url, name, month, suffix, int(stamp.group(1)) if stamp else 0)
        found.setdefault(month, []).append(one)
    chosen = []
    for month in sorted(found, reverse=True):
        same = sorted(found[month], key=lambda link: link.rank, reverse=True)
        rivals = [link.name for link in same if link.suffix == same[0].suffix]
        if len(rivals) > 1:
            notes.append(
                Note(
                    "duplicate_link",
                    "info",
                    f"{layout.dataset} {month}: one link",
                    f"{len(rivals)} links; the newest time stamp is used",
                )
            )
        chosen.append(same[0])
        if not layout.every_period:
            break
    if not chosen:
        severity = "error" if layout.required else "warning"
        seen = f"none; similar names: {', '.join(near[:5])}" if near else "none"
        notes.append(
            Note("missing_file", severity, f"a link to {layout.prefix}-YYYY-MM.xlsx", seen, layout.dataset)
        )
    return chosen, notes
