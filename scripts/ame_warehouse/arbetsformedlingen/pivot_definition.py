"""Pivot caches of a workbook: their fields, shared items and records part, found by relations and field
names.
"""

from __future__ import annotations

import html
import posixpath
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from ame_warehouse.arbetsformedlingen.layouts import Table, normal
from ame_warehouse.arbetsformedlingen.notes import LayoutError

FOLDER = "xl/pivotCache/"
DEFINITION = re.compile(r"xl/pivotCache/pivotCacheDefinition\d*\.xml", re.IGNORECASE)
NUMBERED = re.compile(r"Definition(\d*)\.xml$", re.IGNORECASE)
ITEM_KINDS = frozenset("xnsdbem")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
HEAD = 1 << 16


@dataclass(frozen=True)
class Token:
    """One value of a cache: its kind (`n` number, `s` text, `d` date, `b` boolean, `e` error, `m` missing)
    and text.
    """

    kind: str
    text: str


MISSING = Token("m", "")


@dataclass(frozen=True)
class Field:
    """A field that has an element in every record, with its shared items (empty when the records hold the
    values).
    """

    name: str
    items: tuple[Token, ...]


@dataclass(frozen=True)
class Cache:
    """One pivot cache. `fields` are those with an element in the records, in their order; `calculated`
    have none.
    """

    name: str
    definition: str
    records: str | None
    fields: tuple[Field, ...]
    calculated: tuple[str, ...]
    record_count: int | None

    def position(self, names: Iterable[str]) -> int | None:
        """Return the column number of the first field known by one of the (normal) names; None when there
        is none.
        """
        wanted = frozenset(names)
        return next((n for n, one in enumerate(self.fields) if normal(one.name) in wanted), None)


def unescape(text: str) -> str:
    """Return text with Excel's `_x000D_` escapes resolved."""
    return ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text) if "_x" in text else text


def read_token(raw: str) -> Token:
    """Return a raw record token (`x12`, `sSt&amp;d`) as a token; entities of the XML are resolved."""
    kind, text = raw[0], raw[1:]
    if "&" in text:
        text = html.unescape(text)
    return Token(kind, unescape(text) if kind == "s" else text)


def refuse_doctype(stream: IO[bytes], part: str) -> None:
    """Raise when a part declares a document type: workbooks have none, entity tricks do."""
    if b"<!DOCTYPE" in stream.read(HEAD):
        raise LayoutError(
            "a part of the workbook declares a document type, which is refused",
            expected="plain XML",
            found="<!DOCTYPE",
            source=part,
            action="open the workbook in a spreadsheet program; if it is what it should be, report this file",
        )


def read_caches(archive: zipfile.ZipFile) -> list[Cache]:
    """Return the pivot caches of a workbook, in the order of their part names. Definitions are streamed."""
    names = set(archive.namelist())
    parts = sorted((name for name in names if DEFINITION.fullmatch(name)), key=lambda name: (len(name), name))
    return [_read_cache(archive, part, names) for part in parts]


def _read_cache(archive: zipfile.ZipFile, part: str, names: set[str]) -> Cache:
    with archive.open(part) as stream:
        refuse_doctype(stream, part)
    fields: list[Field] = []
    calculated: list[str] = []
    count: int | None = None
    items: list[Token] = []
    in_items = False
    try:
        with archive.open(part) as stream:
            for event, element in ET.iterparse(stream, events=("start", "end")):  # noqa: S314 - no DTD, see above
                tag = element.tag.rpartition("}")[2]
                if event == "start":
                    if tag == "pivotCacheDefinition":
                        text = element.get("recordCount", "")
                        count = int(text) if text.isdigit() else None
                    elif tag == "cacheField":
                        items = []
                    elif tag == "sharedItems":
                        in_items = True
                elif tag == "sharedItems":
                    in_items = False
                elif tag == "cacheField":
                    name = unescape(element.get("name", ""))
                    if element.get("databaseField", "1").strip() in ("0", "false"):
                        calculated.append(name)
                    else:
                        fields.append(Field(name, tuple(items)))
                    element.clear()
                elif in_items and tag in ITEM_KINDS:
                    value = element.get("v", "")
                    items.append(
                        MISSING if tag == "m" else Token(tag, unescape(value) if tag == "s" else value)
                    )
                    element.clear()
    except ET.ParseError as exc:
        raise LayoutError(
            "a pivot cache definition is not readable",
            expected="well-formed XML",
            found=str(exc),
            source=part,
            action="fetch the workbook again; the last good one stays in use",
        ) from exc
    name = posixpath.basename(part).removesuffix(".xml")
    return Cache(name, part, _records_part(archive, part, names), tuple(fields), tuple(calculated), count)


def _records_part(archive: zipfile.ZipFile, part: str, names: set[str]) -> str | None:
    """Follow the relation from definition to records; without relations, the part of the same number."""
    folder, base = posixpath.split(part)
    relations = f"{folder}/_rels/{base}.rels"
    if relations in names:
        with archive.open(relations) as stream:
            refuse_doctype(stream, relations)
        root = ET.fromstring(archive.read(relations))  # noqa: S314 - no DTD, see above
        for relation in root:
            if relation.get("Type", "").endswith("/pivotCacheRecords"):
                target = relation.get("Target", "")
                found = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found = posixpath.normpath(found)
                return found if found in names else None
    number = NUMBERED.search(part)
    same = f"{FOLDER}pivotCacheRecords{number.group(1) if number else ''}.xml"
    return same if same in names else None


def choose_cache(caches: Iterable[Cache], table: Table) -> Cache | None:
    """Return the cache that has every required field of a table; of several, the one with the fewest others.

    Categories decide: a cache with a category of another table is not taken for this one only because it
    has the rest.
    """
    fitting = []
    for cache in caches:
        if all(cache.position(column.names) is not None for column in table.required_columns):
            fitting.append((len(cache.fields), cache.name, cache))
    return min(fitting)[2] if fitting else None


def missing_columns(caches: Iterable[Cache], table: Table) -> list[str]:
    """Return the required columns that the cache nearest to a table lacks."""
    best: list[str] | None = None
    for cache in caches:
        lacking = [c.name for c in table.required_columns if cache.position(c.names) is None]
        if best is None or len(lacking) < len(best):
            best = lacking
    return best if best is not None else [column.name for column in table.required_columns]
