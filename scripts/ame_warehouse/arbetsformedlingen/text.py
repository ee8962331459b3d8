"""Text as AF and SCB serve it: UTF-8 with or without a byte-order mark, UTF-16, or Latin-1; and cells read
as values.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from datetime import date, datetime

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
HEADER = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
SNIFFED = 4096

MASK = re.compile(r"<\s*\d+")
NUMBER = re.compile(r"[-−]?\d+(?:[.,]\d+)?")
GROUPED = re.compile(r"[-−]?\d{1,3}(?:[  \u202f]\d{3})+(?:[.,]\d+)?")
MONTH = re.compile(r"((?:19|20)\d{2})[-_M/. ]?(0[1-9]|1[0-2])(?:[-./](?:0[1-9]|[12]\d|3[01])(?:[T ].*)?)?")
MARKERS = frozenset(
    {"", "-", "–", "..", ".", "i.u.", "uppgift saknas", "inga uppgifter", "betyg saknas", "#n/a"}
)


def decode(body: bytes, content_type: str | None = None) -> str:
    """Return the text of a body.

    In this order: byte-order mark, the charset of the Content-Type, the charset of a meta element, UTF-8,
    and last Windows-1252 (a superset of Latin-1), which reads any byte. A declared charset that cannot
    read the body is not believed.
    """
    for mark, name in MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    declared = HEADER.search(content_type or "")
    meta = META.search(body[:SNIFFED])
    names = [declared.group(1)] if declared else []
    names += [meta.group(1).decode("ascii")] if meta else []
    for name in [*names, "utf-8"]:
        try:
            text = body.decode("cp1252" if codecs.lookup(name).name == "iso8859-1" else name)
        except (LookupError, UnicodeError):
            continue
        return text.removeprefix("\ufeff")
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def read_delimited(body: bytes) -> list[list[str]]:
    """Return the rows of a csv or txt body, cells as text; the delimiter is the one of `;`, tab and `,`
    that fits best.

    Raises `ValueError` when the text has no two columns.
    """
    text = decode(body)
    lines = text.splitlines()[:200]
    counts = {mark: sum(mark in line for line in lines) for mark in (";", "\t", ",")}
    delimiter = max(counts, key=lambda mark: (counts[mark], mark == ";"))
    if not counts[delimiter]:
        raise ValueError("the text has no columns (neither ;, tab nor comma)")
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as exc:
        raise ValueError(f"the text is no table: {exc}") from exc


@dataclass(frozen=True)
class Number:
    """A cell as a number: `value`, or the verbatim `text` that stands there instead.

    `is_known` is false for a text that is neither a number nor a known marker.
    """

    value: float | None
    text: str | None = None
    is_masked: bool = False
    is_known: bool = True
    was_text: bool = False


BLANK = Number(None)


def read_number(cell: object) -> Number:  # noqa: PLR0911 - one return for each kind of cell
    """Return a cell as a number. `<5` is masked, never zero; a number written as text is read and said to
    be text.
    """
    if cell is None or cell == "":
        return BLANK
    if isinstance(cell, bool):
        return Number(None, str(cell), is_known=False)
    if isinstance(cell, int | float):
        number = float(cell)
        return Number(number) if number - number == 0 else Number(None, str(cell), is_known=False)
    text = str(cell)
    plain = text.strip().replace("\u00a0", " ")
    if not plain:
        return BLANK
    if MASK.fullmatch(plain):
        return Number(None, text, is_masked=True)
    if plain.casefold() in MARKERS:
        return Number(None, text)
    if NUMBER.fullmatch(plain) or GROUPED.fullmatch(plain):
        digits = re.sub(r"[\s\u202f]", "", plain).replace("−", "-").replace(",", ".")
        return Number(float(digits), None, was_text=True)
    return Number(None, text, is_known=False)


def read_text(cell: object) -> str | None:
    """Return a cell as text without outer blanks; None when it is empty. A whole number has no decimals."""
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return str(cell).replace("\u00a0", " ").strip() or None


def read_month(cell: object) -> str | None:
    """Return a cell as `YYYY-MM`; None when it is no month. Dates and `YYYYMM` as number or text are
    accepted.
    """
    if isinstance(cell, datetime | date):
        return f"{cell.year:04d}-{cell.month:02d}"
    text = read_text(cell)
    found = MONTH.fullmatch(text) if text else None
    return f"{found.group(1)}-{found.group(2)}" if found else None
