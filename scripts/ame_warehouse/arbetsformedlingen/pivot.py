"""Records of a pivot cache, streamed: inflate a piece, cut it at whole records, turn it into columns.

Most pieces have one plain form and are rewritten with a few replacements into delimited text, which Arrow
parses into dictionary columns. A piece in any other form (further attributes, line breaks, name-space
prefixes, comments) goes through expat instead; both give the same columns. Nothing of a piece is kept
after it has been handed on.
"""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.parsers import expat

import pyarrow as pa
from pyarrow import csv

from ame_warehouse.arbetsformedlingen.notes import LayoutError
from ame_warehouse.arbetsformedlingen.pivot_definition import ITEM_KINDS, Cache

PIECE = 4 << 20
LONGEST_RECORD = 64 << 20
ROOT = re.compile(rb"<((?:[\w.-]+:)?)pivotCacheRecords\b[^>]*?(/?)>")
ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
TAIL = re.compile(rb"\s*(?:<(?:[\w.-]+:)?extLst\b.*)?</(?:[\w.-]+:)?pivotCacheRecords\s*>\s*", re.DOTALL)
CUT = b"\x1f"
CODED = pa.dictionary(pa.int32(), pa.string())
NOT_PLAIN = (b"\n", b"\r", CUT)
LEFT_OVER = (b"<", b">", b'"')

Columns = list[pa.DictionaryArray]


def iter_records(archive: zipfile.ZipFile, cache: Cache, piece: int = PIECE) -> Iterator[Columns]:
    """Yield the records of a cache, piece by piece, as one dictionary column of raw tokens per field.

    A raw token is the kind of the element and its value: `x12`, `n5.5`, `sGöteborg`, `m` (missing). Raises
    `LayoutError` when the workbook holds no records, a record has another number of elements than the
    definition has fields, the part ends early, or there are not as many records as the definition says.
    """
    if cache.records is None:
        raise _error(
            "the workbook was saved without its pivot data",
            "a pivotCacheRecords part",
            "none",
            cache.definition,
        )
    width, seen = len(cache.fields), 0
    with archive.open(cache.records) as stream:
        for body in _whole_records(_as_utf8(stream), cache.records, piece):
            columns = _plain(body, width)
            if columns is None:
                columns = _through_expat(body, width, cache.records, seen)
            seen += len(columns[0]) if columns else 0
            yield columns
    if cache.record_count is not None and seen != cache.record_count:
        raise _error(
            "the pivot cache does not hold what it announces",
            f"{cache.record_count} records",
            f"{seen} records",
            cache.records,
        )


def _error(message: str, expected: str, found: str, part: str) -> LayoutError:
    return LayoutError(
        message,
        expected=expected,
        found=found,
        source=part,
        action="fetch the workbook again; the last good one stays in use until a whole one is served",
    )


def _as_utf8(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a part as UTF-8, whatever encoding it declares."""
    head = stream.read(PIECE)
    declared = ENCODING.match(head.removeprefix(codecs.BOM_UTF8).lstrip())
    name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = "utf-16"
    if name in ("utf-8", "us-ascii"):
        yield head
        while data := stream.read(PIECE):
            yield data
        return
    decoder = codecs.getincrementaldecoder(name)()
    while head:
        yield decoder.decode(head).encode()
        head = stream.read(PIECE)


def _whole_records(pieces: Iterator[bytes], part: str, piece: int) -> Iterator[bytes]:
    """Yield runs of whole `<r>…</r>` elements without what stands around them."""
    held = b""
    opened = None
    for first in pieces:
        held += first
        opened = ROOT.search(held)
        if opened or len(held) > LONGEST_RECORD:
            break
    if opened is None or b"<!DOCTYPE" in held[: opened.start()]:
        raise _error("the pivot cache records are not readable", "<pivotCacheRecords>", repr(held[:80]), part)
    if opened.group(2):
        return
    end = b"</" + opened.group(1) + b"r>"
    held = held[opened.end() :]
    while True:
        data: bytes | None = next(pieces, None)
        if len(held) >= piece or data is None:
            last = held.rfind(end)
            if last >= 0:
                yield held[: last + len(end)]
                held = held[last + len(end) :]
        if data is None:
            break
        if len(held) > LONGEST_RECORD:
            raise _error("a pivot record does not end", "records of a few hundred bytes", "64 MB", part)
        held += data
    if not TAIL.fullmatch(held):
        raise _error("the pivot cache records end early", "</pivotCacheRecords>", repr(held[-80:]), part)


def _plain(body: bytes, width: int) -> Columns | None:
    """Return the columns of a run of records in the plain form; None when it has any other."""
    if any(mark in body for mark in NOT_PLAIN):
        return None
    text = body.replace(b" />", b"/>") if b" />" in body else body
    text = text.replace(b'"/>', CUT).replace(b"<m/>", b"m" + CUT)
    for kind in (b"x", b"n", b"s", b"d", b"b", b"e"):
        text = text.replace(b"<" + kind + b' v="', kind)
    text = text.replace(CUT + b"</r>", b"\n").replace(b"<r>", b"")
    if any(mark in text for mark in LEFT_OVER):
        return None
    names = [str(number) for number in range(width)]
    try:
        table = csv.read_csv(
            io.BytesIO(text),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
            parse_options=csv.ParseOptions(
                delimiter=CUT.decode(), quote_char=False, escape_char=False, ignore_empty_lines=False
            ),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, CODED)),
        )
    except pa.ArrowInvalid:
        return None  # another number of elements somewhere: expat says where
    return [table.column(name).combine_chunks() for name in names]


def _through_expat(body: bytes, width: int, part: str, before: int) -> Columns:
    """Return the columns of a run of records in any form."""
    cells: list[list[str]] = [[] for _ in range(width)]
    depth, at, rows = 0, 0, 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, at
        depth += 1
        if depth == 2:  # noqa: PLR2004 - a record
            at = 0
        elif depth == 3:  # noqa: PLR2004 - a value of a record; what lies deeper belongs to it
            kind = name.rpartition(":")[2]
            if kind not in ITEM_KINDS:
                raise _error("a pivot record has an unknown element", "x n s d b e m", name, part)
            if at < width:
                cells[at].append(
                    kind if kind == "m" else kind + attributes.get("v", "").replace("&", "&amp;")
                )
            at += 1

    def end(_name: str) -> None:
        nonlocal depth, rows
        depth -= 1
        if depth == 1:
            rows += 1
            if at != width:
                raise _error(
                    "a pivot record does not fit its definition",
                    f"{width} elements, one for each field that is not calculated",
                    f"{at} elements in record {before + rows}",
                    part,
                )

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.buffer_text = True
    try:
        parser.Parse(b"<w>", False)
        parser.Parse(body, False)
        parser.Parse(b"</w>", True)
    except expat.ExpatError as exc:
        raise _error("the pivot cache records are damaged", "well-formed XML", str(exc), part) from exc
    return [pa.array(column, pa.string()).dictionary_encode() for column in cells]
