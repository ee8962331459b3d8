"""From the records of a pivot cache to frames of the long form, by the field names of a layout."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from ame_warehouse.arbetsformedlingen.layouts import MEASURE, PERIOD, Column, Table
from ame_warehouse.arbetsformedlingen.long import Frame
from ame_warehouse.arbetsformedlingen.notes import LayoutError, Report
from ame_warehouse.arbetsformedlingen.pivot import iter_records
from ame_warehouse.arbetsformedlingen.pivot_definition import Cache, Field, Token, read_token
from ame_warehouse.arbetsformedlingen.text import BLANK, Number, read_month, read_number, read_text

T = TypeVar("T")


def token_text(token: Token) -> str | None:
    """Return a category of a cache as text; None when it is missing."""
    if token.kind == "m":
        return None
    if token.kind == "n":
        number = token_number(token)
        return read_text(number.value) if number.value is not None else token.text
    return read_text(token.text)


def token_number(token: Token) -> Number:
    """Return a value of a cache as a number; `<5` and other texts keep what stands there."""
    if token.kind == "m":
        return BLANK
    if token.kind == "n":
        try:
            return Number(float(token.text))
        except ValueError:
            return Number(None, token.text, is_known=False)
    return read_number(token.text)


class Decoder:
    """Turns the raw tokens of one field into values; every distinct token is read once."""

    def __init__(self, field: Field, read: Callable[[Token], T], part: str) -> None:
        self._field = field
        self._read = read
        self._part = part
        self._known: dict[str, Any] = {}

    def values(self, raw: Sequence[str]) -> list[Any]:
        """Return the value of each raw token."""
        known = self._known
        found = []
        for token in raw:
            if token not in known:
                known[token] = self._read(self._resolve(token))
            found.append(known[token])
        if len(known) > 1_000_000:  # noqa: PLR2004 - a field of all different values: nothing to remember
            known.clear()
        return found

    def _resolve(self, raw: str) -> Token:
        token = read_token(raw)
        if token.kind != "x":
            return token
        index = int(token.text) if token.text.isdigit() else -1
        if not 0 <= index < len(self._field.items):
            raise LayoutError(
                "a pivot record points to a shared item that is not there",
                expected=f"an index from 0 to {len(self._field.items) - 1} for {self._field.name}",
                found=token.text,
                source=self._part,
                action="fetch the workbook again; the last good one stays in use",
            )
        return self._field.items[index]


def coded(column: pa.DictionaryArray, values: Sequence[str | None]) -> pa.DictionaryArray:
    """Return a column with its distinct tokens replaced; None becomes null, equal texts one code."""
    texts: dict[str, int] = {}
    remap = np.fromiter(
        (-1 if text is None else texts.setdefault(text, len(texts)) for text in values), np.int32, len(values)
    )
    codes = remap[column.indices.to_numpy()] if len(values) else np.zeros(0, np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(list(texts), pa.string()))


@dataclass(frozen=True)
class Match:
    """A layout's table found in a cache: column of the layout → column number of the cache."""

    table: Table
    cache: Cache
    found: tuple[tuple[Column, int], ...]
    others: tuple[tuple[str, int], ...]


def match(table: Table, cache: Cache, report: Report) -> Match:
    """Return where the columns of a table are; fields that the layout does not know are noted.

    A further category is carried along, a further number is left out; either way it is a finding.
    """
    found, taken = [], set()
    for column in table.columns:
        at = cache.position(column.names)
        if at is None:
            report.note(
                "missing_column", "warning", f"{table.name}: {column.name}", "no such field", cache.name
            )
        else:
            found.append((column, at))
            taken.add(at)
    others = []
    for at, one in enumerate(cache.fields):
        if at in taken:
            continue
        categories = any(item.kind == "s" for item in one.items)
        if categories:
            others.append((one.name, at))
        report.note(
            "added_column",
            "warning",
            f"{table.name}: the fields of the layout",
            f"a field {one.name}",
            f"{cache.name}: {'carried as a further category' if categories else 'not read'}",
        )
    return Match(table, cache, tuple(found), tuple(others))


def iter_frames(archive: zipfile.ZipFile, matched: Match) -> Iterator[Frame]:
    """Yield the records of a matched cache as frames. Raises `LayoutError` for damaged records."""
    cache = matched.cache
    part = cache.records or cache.definition

    def decoder(at: int, read: Callable[[Token], Any]) -> Decoder:
        return Decoder(cache.fields[at], read, part)

    texts = {at: decoder(at, token_text) for column, at in matched.found if column.role != MEASURE}
    texts |= {at: decoder(at, token_text) for _, at in matched.others}
    numbers = {at: decoder(at, token_number) for column, at in matched.found if column.role == MEASURE}
    seen = 0
    for columns in iter_records(archive, cache):
        length = len(columns[0]) if columns else 0

        def text_of(at: int, columns: list[pa.DictionaryArray] = columns) -> pa.DictionaryArray:
            return coded(columns[at], texts[at].values(columns[at].dictionary.to_pylist()))

        period_at = next(at for column, at in matched.found if column.role == PERIOD)
        raw = texts[period_at].values(columns[period_at].dictionary.to_pylist())
        period = coded(columns[period_at], [read_month(text) for text in raw])
        raw_codes = columns[period_at].indices.to_numpy()

        def raw_period(row: int, raw: list[Any] = raw, codes: Any = raw_codes) -> str:
            return str(raw[codes[row]] or "")

        yield Frame(
            np.arange(seen + 1, seen + length + 1, dtype=np.int64),
            period,
            raw_period,
            {
                column.role: text_of(at)
                for column, at in matched.found
                if column.role not in (PERIOD, MEASURE, "other")
            },
            {column.name: text_of(at) for column, at in matched.found if column.role == "other"}
            | {name: text_of(at) for name, at in matched.others},
            {
                column.name: (
                    columns[at].indices.to_numpy(),
                    numbers[at].values(columns[at].dictionary.to_pylist()),
                )
                for column, at in matched.found
                if column.role == MEASURE
            },
        )
        seen += length
