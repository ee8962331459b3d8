"""Write .xlsx files piece by piece: sheets with real cells, and pivot caches of any size.

Same input, same bytes: fixed time stamps, fixed order. Every workbook carries a title that says that it is
synthetic.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

SYNTHETIC = "Syntetiska uppgifter – inte Arbetsförmedlingens"
DAY_ONE = (1980, 1, 1, 0, 0, 0)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
BATCH = 20_000
Cell = str | float | int | None


@dataclass
class Sheet:
    """A worksheet: name and rows; `dimension` is what it declares of its size (may be wrong, as AF's
    sometimes is).
    """

    name: str
    rows: Iterable[Sequence[Cell]]
    dimension: str | None = None


@dataclass
class CacheField:
    """A field of a pivot cache. `items`: shared items (None = values in the records); `formula`:
    calculated, no records.
    """

    name: str
    items: Sequence[str | float | None] | None = None
    formula: str | None = None


@dataclass
class PivotCache:
    """A pivot cache: fields, and records as ready XML elements (`<r>…</r>`); `count` as announced."""

    fields: Sequence[CacheField]
    records: Iterable[str]
    count: int


@dataclass
class Workbook:
    """All that is written into one file. `numbers`: numbers of the caches, in order (default 1, 2, …)."""

    sheets: Sequence[Sheet]
    caches: Sequence[PivotCache] = field(default_factory=list)
    numbers: Sequence[int] | None = None


def column_name(number: int) -> str:
    """Return the letters of a column, counted from 0."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def write(path: Path, book: Workbook, level: int = 6) -> None:
    """Write a workbook; caches and sheets are streamed."""
    numbers = list(book.numbers or range(1, len(book.caches) + 1))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        _part(archive, "[Content_Types].xml", _content_types(book, numbers))
        _part(archive, "_rels/.rels", _root_relations())
        _part(archive, "docProps/core.xml", _core())
        _part(archive, "xl/workbook.xml", _workbook(book, numbers))
        _part(archive, "xl/_rels/workbook.xml.rels", _workbook_relations(book, numbers))
        for number, sheet in enumerate(book.sheets, 1):
            _stream(archive, f"xl/worksheets/sheet{number}.xml", _sheet(sheet))
        for number, cache in zip(numbers, book.caches, strict=True):
            _part(archive, f"xl/pivotCache/pivotCacheDefinition{number}.xml", _definition(cache))
            relations = _relations([("rId1", "pivotCacheRecords", f"pivotCacheRecords{number}.xml")])
            _part(archive, f"xl/pivotCache/_rels/pivotCacheDefinition{number}.xml.rels", relations)
            _stream(archive, f"xl/pivotCache/pivotCacheRecords{number}.xml", _records(cache))


def _part(archive: zipfile.ZipFile, name: str, text: str) -> None:
    _stream(archive, name, [text])


def _stream(archive: zipfile.ZipFile, name: str, pieces: Iterable[str]) -> None:
    info = zipfile.ZipInfo(name, DAY_ONE)
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as handle:
        for piece in pieces:
            handle.write(piece.encode())


def _relations(rows: Iterable[tuple[str, str, str]]) -> str:
    body = "".join(
        f'<Relationship Id="{key}" Type="{RELS}/{kind}" Target="{target}"/>' for key, kind, target in rows
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{body}</Relationships>'


def _content_types(book: Workbook, numbers: Sequence[int]) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    rows = [("/xl/workbook.xml", f"{kind}.sheet.main+xml")]
    rows += [
        (f"/xl/worksheets/sheet{n}.xml", f"{kind}.worksheet+xml") for n in range(1, len(book.sheets) + 1)
    ]
    for number in numbers:
        rows.append((f"/xl/pivotCache/pivotCacheDefinition{number}.xml", f"{kind}.pivotCacheDefinition+xml"))
        rows.append((f"/xl/pivotCache/pivotCacheRecords{number}.xml", f"{kind}.pivotCacheRecords+xml"))
    rows.append(("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"))
    body = "".join(f'<Override PartName="{name}" ContentType="{what}"/>' for name, what in rows)
    return (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{body}</Types>'
    )


def _root_relations() -> str:
    core = f"{PACKAGE}/relationships/metadata/core-properties"
    return (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{RELS}/officeDocument" Target="xl/workbook.xml"/>'
        f'<Relationship Id="rId2" Type="{core}" Target="docProps/core.xml"/></Relationships>'
    )


def _core() -> str:
    return (
        f'{HEAD}<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{SYNTHETIC}</dc:title></cp:coreProperties>'
    )


def _workbook(book: Workbook, numbers: Sequence[int]) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{n}" r:id="rId{n}"/>'
        for n, sheet in enumerate(book.sheets, 1)
    )
    caches = "".join(f'<pivotCache cacheId="{n}" r:id="rIdP{n}"/>' for n in numbers)
    caches = f"<pivotCaches>{caches}</pivotCaches>" if caches else ""
    return f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELS}"><sheets>{sheets}</sheets>{caches}</workbook>'


def _workbook_relations(book: Workbook, numbers: Sequence[int]) -> str:
    rows = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(book.sheets) + 1)]
    rows += [(f"rIdP{n}", "pivotCacheDefinition", f"pivotCache/pivotCacheDefinition{n}.xml") for n in numbers]
    return _relations(rows)


def _sheet(sheet: Sheet) -> Iterator[str]:
    dimension = f'<dimension ref="{sheet.dimension}"/>' if sheet.dimension else ""
    yield f'{HEAD}<worksheet xmlns="{MAIN}">{dimension}<sheetData>'
    held = []
    for number, row in enumerate(sheet.rows, 1):
        cells = "".join(_cell(f"{column_name(at)}{number}", cell) for at, cell in enumerate(row))
        held.append(f'<row r="{number}">{cells}</row>')
        if len(held) >= BATCH:
            yield "".join(held)
            held = []
    yield "".join(held) + "</sheetData></worksheet>"


def _cell(place: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    return f'<c r="{place}"><v>{cell!r}</v></c>'


def _definition(cache: PivotCache) -> str:
    fields = "".join(_field(one) for one in cache.fields)
    return (
        f'{HEAD}<pivotCacheDefinition xmlns="{MAIN}" xmlns:r="{RELS}" r:id="rId1" '
        f'recordCount="{cache.count}"><cacheSource type="external" connectionId="1"/>'
        f'<cacheFields count="{len(cache.fields)}">{fields}</cacheFields></pivotCacheDefinition>'
    )


def _field(one: CacheField) -> str:
    name = f"name={quoteattr(one.name)}"
    if one.formula is not None:
        return f'<cacheField {name} numFmtId="0" formula={quoteattr(one.formula)} databaseField="0"/>'
    if one.items is None:
        return (
            f'<cacheField {name} numFmtId="0"><sharedItems containsSemiMixedTypes="0" containsString="0" '
            'containsNumber="1"/></cacheField>'
        )
    items = "".join(element(item) for item in one.items)
    shared = f'<sharedItems count="{len(one.items)}">{items}</sharedItems>'
    return f'<cacheField {name} numFmtId="0">{shared}</cacheField>'


def element(item: str | float | None) -> str:
    """Return a value as an element of a cache: `m`, `s` or `n`."""
    if item is None:
        return "<m/>"
    if isinstance(item, str):
        return f"<s v={quoteattr(item)}/>"
    return f'<n v="{item!r}"/>'


def _records(cache: PivotCache) -> Iterator[str]:
    yield f'{HEAD}<pivotCacheRecords xmlns="{MAIN}" xmlns:r="{RELS}" count="{cache.count}">'
    held = []
    for record in cache.records:
        held.append(record)
        if len(held) >= BATCH:
            yield "".join(held)
            held = []
    yield "".join(held) + "</pivotCacheRecords>"


def cache_of(
    rows: Sequence[Sequence[Cell]],
    names: Sequence[str],
    shared: Sequence[str],
    calculated: Sequence[CacheField] = (),
) -> PivotCache:
    """Return a cache of rows.

    Args:
        rows: one sequence per record, in the order of `names`; None = missing.
        shared: names of the fields with shared items; the others stand in the records.
        calculated: calculated fields; they are put between the others, where they shift a careless reader.
    """
    positions = {name: at for at, name in enumerate(names)}
    items: dict[str, dict[Cell, int]] = {name: {} for name in shared}
    for row in rows:
        for name in shared:
            value = row[positions[name]]
            if value is not None:
                items[name].setdefault(value, len(items[name]))
    fields = [CacheField(name, list(items[name]) if name in items else None) for name in names]
    middle = len(fields) // 2
    fields = [*fields[:middle], *calculated, *fields[middle:]]
    known = [items.get(name) for name in names]

    def records() -> Iterator[str]:
        for row in rows:
            cells = "".join(
                f'<x v="{codes[cell]}"/>' if codes is not None and cell is not None else element(cell)
                for cell, codes in zip(row, known, strict=True)
            )
            yield f"<r>{cells}</r>"

    return PivotCache(fields, records(), len(rows))
