"""The envelope of Kolada v3, and whether the pages of one question add up."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Json = Any
ENVELOPE = frozenset({"values", "next_url", "previous_url", "count"})
PAGE_NUMBER = re.compile(r"[?&]page=(\d{1,9})(?:&|$)")
KeyOf = Callable[[Json], Hashable | None]


@dataclass(frozen=True)
class Page:
    """One answer, read: its records, whether another page follows, what it counts, its checksum.

    `is_plain`: the envelope has the documented keys and no other. `links`: the numbers of the pages
    before and after this one, as its links name them; None where they do not.
    """

    values: list[Json]
    has_next: bool
    count: int | None
    digest: str
    is_plain: bool = True
    has_previous: bool = False
    links: tuple[int | None, int | None] = (None, None)

    @property
    def size(self) -> int:
        """Number of records on this page."""
        return len(self.values)


def load_json(body: bytes) -> Json:
    """Return the parsed body; raise `ValueError` with a readable text when it is not UTF-8 JSON."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise ValueError(f"the body is not UTF-8 (byte {exc.start})") from exc
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        start = " ".join(text[:120].split())
        kind = "HTML" if start[:1] == "<" else "no JSON"
        raise ValueError(f"the body is {kind}: {start!r} ({type(exc).__name__})") from exc


def read_page(body: bytes, route: str = "") -> Page:
    """Return the page in a body; raise `ValueError` when it is not the envelope of v3.

    `route`: what was asked for; a link that leads elsewhere names no page of it.
    """
    document = load_json(body)
    if not isinstance(document, dict):
        raise ValueError(f"expected the envelope (values, next_url, count), found a JSON {_kind(document)}")
    if "values" not in document or "next_url" not in document:
        keys = ", ".join(sorted(map(str, document))[:8])
        hint = "; this is the shape of v2, set AME_KOLADA_URL to v3" if "next_page" in document else ""
        raise ValueError(
            f"expected the envelope (values, next_url, count), found the keys {keys or 'none'}{hint}"
        )
    values, following, count = document["values"], document["next_url"], document.get("count")
    if not isinstance(values, list):
        raise ValueError(f"expected a list of values, found a JSON {_kind(values)}")
    if following is not None and not isinstance(following, str):
        raise ValueError(f"expected next_url to be text or null, found a JSON {_kind(following)}")
    if type(count) is not int:
        count = None
    plain = document.keys() == ENVELOPE
    before = document.get("previous_url")
    digest = hashlib.sha256(body).hexdigest()
    links = (_page_number(before, route), _page_number(following, route))
    return Page(values, bool(following), count, digest, plain, bool(before), links)


def _page_number(link: Json, route: str) -> int | None:
    """Return the page of the route that a link names in its query; None when it names none."""
    if not isinstance(link, str) or not unquote(link.partition("?")[0]).endswith(unquote(route)):
        return None
    found = PAGE_NUMBER.search(link)
    return int(found[1]) if found else None


def _kind(value: Json) -> str:
    names = {dict: "object", list: "list", str: "text", bool: "truth value", type(None): "null"}
    return names.get(type(value), "number")


@dataclass
class PageSet:
    """All pages of one question, in page order.

    `objects` are the checksums of the bodies, `values` the records of all pages, `faults` what does not add
    up (then the set may not be used), `doubt` a reason to ask once more, `is_misshapen` that the reason lies
    in the pages themselves, `notes` what is odd and harmless, `odd_objects` the pages that the fast reader
    may not read.
    """

    objects: list[str] = field(default_factory=list)
    values: list[Json] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    odd_objects: list[str] = field(default_factory=list)
    doubt: str | None = None
    is_misshapen: bool = False


def data_key(record: Json) -> Hashable | None:
    """Return (kpi, municipality, period) of a data record as text, None when it has no such key."""
    if not isinstance(record, dict):
        return None
    kpi, place, period = record.get("kpi"), record.get("municipality"), record.get("period")
    if not isinstance(kpi, str) or not isinstance(place, str) or type(period) not in (int, str, float):
        return None
    return kpi, place, str(period)


def id_key(record: Json) -> Hashable | None:
    """Return the id of a metadata record, None when it has none."""
    key = record.get("id") if isinstance(record, dict) else None
    return key if isinstance(key, str) else None


def judge(pages: list[Page], key_of: KeyOf) -> PageSet:
    """Return the pages as a set, with everything that does not add up in `faults`."""
    result = PageSet(objects=[page.digest for page in pages])
    for page in pages:
        result.values.extend(page.values)
    sizes = [page.size for page in pages]
    if len(pages) > 1 and sizes[-1] == 0:
        result.doubt = "the last page is empty"
    elif pages[0].has_previous:
        result.doubt = "the first page says that another stands before it"
    else:
        result.doubt = _misplaced(pages)
    result.is_misshapen = result.doubt is not None
    repeated = [digest for digest, times in Counter(result.objects).items() if times > 1]
    if repeated and len(pages) > 1:
        places = [n for n, page in enumerate(pages, 1) if page.digest == repeated[0]]
        result.faults.append(f"pages {', '.join(map(str, places))} are the same")
    for number, size in enumerate(sizes[:-1], 1):
        if size == 0:
            result.faults.append(f"page {number} of {len(pages)} is empty although another follows")
            break
        if size != sizes[0]:
            result.faults.append(f"page {number} has {size} records where page 1 has {sizes[0]}")
            break
    if len(pages) > 1 and sizes[-1] > sizes[0]:
        result.faults.append(f"the last page has {sizes[-1]} records where page 1 has {sizes[0]}")
    _judge_counts(pages, result)
    _judge_keys(pages, key_of, result)
    return result


def _misplaced(pages: list[Page]) -> str | None:
    """Return why a page seems to be another one than was asked for: its links name other neighbours."""
    for number, page in enumerate(pages, 1):
        for link, neighbour in zip(page.links, (number - 1, number + 1), strict=True):
            if link not in (None, neighbour):
                return f"page {number} says that page {link} stands beside it"
    return None


def _judge_counts(pages: list[Page], result: PageSet) -> None:
    total = sum(page.size for page in pages)
    for number, page in enumerate(pages, 1):
        if page.count is None:
            result.notes.append(f"page {number} has no usable count")
        elif page.count not in (page.size, total):
            result.faults.append(
                f"page {number} counts {page.count} records; it has {page.size}, all pages together {total}"
            )
            return


def _judge_keys(pages: list[Page], key_of: KeyOf, result: PageSet) -> None:
    seen: dict[Hashable, tuple[int, Json]] = {}
    for number, page in enumerate(pages, 1):
        for record in page.values:
            key = key_of(record)
            if key is None:
                continue
            if key not in seen:
                seen[key] = (number, record)
                continue
            first, other = seen[key]
            if first != number:
                result.faults.append(f"record {key_text(key)} stands on page {first} and on page {number}")
                return
            if not same_record(record, other):
                result.faults.append(
                    f"record {key_text(key)} stands twice on page {number}, with different content"
                )
                return
            result.notes.append(f"record {key_text(key)} stands twice on page {number}")


def same_record(one: Json, other: Json) -> bool:
    """Return whether two records say the same (NaN equals NaN)."""
    return one == other or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def genders_clash(record: Json) -> bool:
    """Return whether a data record holds a gender twice with different content."""
    inner = record.get("values") if isinstance(record, dict) else None
    if not isinstance(inner, list) or len(inner) < 2:  # noqa: PLR2004 - one value cannot clash
        return False
    seen: dict[str, Json] = {}
    for value in inner:
        gender = value.get("gender") if isinstance(value, dict) else None
        if isinstance(gender, str) and not same_record(seen.setdefault(gender, value), value):
            return True
    return False


def key_text(key: Hashable) -> str:
    """Return a key as a person reads it."""
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)
