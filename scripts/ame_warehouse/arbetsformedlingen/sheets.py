"""Worksheets with real cells: sheet by name, header by its names, rows in blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from ame_warehouse.arbetsformedlingen.layouts import MEASURE, OTHER, PERIOD, Column, Layout, Table, normal
from ame_warehouse.arbetsformedlingen.long import Frame
from ame_warehouse.arbetsformedlingen.notes import LayoutError, Note, Report
from ame_warehouse.arbetsformedlingen.text import (
    Number,
    read_delimited,
    read_month,
    read_number,
    read_text,
)

HEADER_WITHIN = 40
BLOCK = 50_000
SPAN = re.compile(r"\b(1[0-9])\s*(?:[-–—]|till)\s*(6[0-9]|7[0-9])\s*år", re.IGNORECASE)
Row = Sequence[Any]


@dataclass(frozen=True)
class Grid:
    """A table of cells: name, number of its first row, and its rows."""

    name: str
    first_row: int
    rows: Iterable[Row]


class Sheets:
    """The sheets of a workbook, or the one table of a csv or txt file. Document properties are never read."""

    def __init__(self, path: Path, suffix: str = "xlsx") -> None:
        self.path = path
        self._book: CalamineWorkbook | None = None
        self._rows: list[list[str]] | None = None
        try:
            if suffix == "xlsx":
                self._book = CalamineWorkbook.from_path(str(path))
            else:
                self._rows = read_delimited(path.read_bytes())
        except (CalamineError, ValueError) as exc:
            raise LayoutError(
                "the file cannot be read as a table",
                expected="a workbook, or text in columns",
                found=str(exc),
                source=path.name,
                action="open the file; the last good one stays in use",
            ) from exc

    @property
    def names(self) -> list[str]:
        """Names of the sheets; a text file has one table without a name."""
        return list(self._book.sheet_names) if self._book is not None else [""]

    def find(self, known: Iterable[str]) -> str | None:
        """Return the first sheet known by one of the names; a text file is any sheet."""
        if self._book is None:
            return ""
        wanted = {normal(name) for name in known}
        return next((name for name in self.names if normal(name) in wanted), None)

    def grid(self, name: str) -> Grid:
        """Return a sheet. Cells that are declared but empty at its edges are left out; row numbers count
        from 1.
        """
        if self._book is None:
            return Grid("", 1, self._rows or [])
        try:
            sheet: CalamineSheet = self._book.get_sheet_by_name(name)
        except CalamineError as exc:
            raise LayoutError(
                "a sheet of the workbook cannot be read",
                expected="a worksheet",
                found=str(exc),
                source=f"{self.path.name}, {name}",
                action="open the workbook; the last good one stays in use",
            ) from exc
        return Grid(name, (sheet.start or (0, 0))[0] + 1, sheet.iter_rows())


@dataclass(frozen=True)
class Header:
    """Where a table's columns are in a grid: row number, column of the layout → position, positions of
    further ones.
    """

    row: int
    found: tuple[tuple[Column, int], ...]
    added: tuple[tuple[str, int], ...]
    above: tuple[str, ...]


def find_header(grid: Grid, table: Table, rows: Iterator[Row]) -> tuple[Header | None, list[str]]:
    """Return the header, looking at the first 40 rows; `rows` is left behind it.

    The header is the first row that has every required column, whatever its number. Without one, the
    second value lists the required columns that the nearest row lacks.
    """
    above: list[str] = []
    nearest = [column.name for column in table.required_columns]
    for number, row in enumerate(islice(rows, HEADER_WITHIN), grid.first_row):
        names = [normal(cell) if isinstance(cell, str) else "" for cell in row]
        found = []
        for column in table.columns:
            at = next((n for n, name in enumerate(names) if name in column.names), None)
            if at is not None:
                found.append((column, at))
        has = {column.name for column, _ in found}
        lacking = [column.name for column in table.required_columns if column.name not in has]
        if not lacking:
            taken = {at for _, at in found}
            added = [(str(row[n]).strip(), n) for n, name in enumerate(names) if name and n not in taken]
            return Header(number, tuple(found), tuple(added), tuple(above)), []
        if len(lacking) < len(nearest):
            nearest = lacking
        above += [cell for cell in row if isinstance(cell, str) and cell.strip()]
    return None, nearest


def nearest_names(grid: Grid, table: Table) -> list[str]:
    """Return the names in the row that looks most like the header but that the layout does not know."""
    best: list[str] = []
    most = 0
    for row in islice(iter(grid.rows), HEADER_WITHIN):
        texts = [cell.strip() for cell in row if isinstance(cell, str) and cell.strip()]
        known = sum(table.column(text) is not None for text in texts)
        if known > most:
            most, best = known, [text for text in texts if table.column(text) is None]
    return best


def drift(table: Table, sheet: str, lacking: Sequence[str], strangers: Sequence[str]) -> list[Note]:
    """Return one named finding for each required column that is not there; unknown names hint at a
    renaming.
    """
    notes = []
    for name in lacking:
        kind = "renamed_column" if strangers else "missing_column"
        found = "no such column" + (f"; unknown here: {', '.join(strangers[:6])}" if strangers else "")
        notes.append(Note(kind, "error", f"{table.name}: {name}", found, sheet or None))
    return notes


def age_span(texts: Iterable[str]) -> str | None:
    """Return the age span that a title names (`16–64 år` → `16-64`); None when it names none."""
    for text in texts:
        found = SPAN.search(text)
        if found:
            return f"{found.group(1)}-{found.group(2)}"
    return None


def title_span(sheets: Sheets, layout: Layout) -> str | None:
    """Return the age span in the titles of a layout's sheets."""
    for wanted in layout.title_sheets:
        name = sheets.find((wanted,))
        if name is None:
            continue
        rows = islice(iter(sheets.grid(name).rows), HEADER_WITHIN)
        span = age_span(cell for row in rows for cell in row[:3] if isinstance(cell, str))
        if span:
            return span
    return None


def iter_frames(sheets: Sheets, name: str, table: Table, header: Header, report: Report) -> Iterator[Frame]:
    """Yield the rows below the header as frames. Empty rows and notes below the table are left out."""
    grid = sheets.grid(name)
    rows = iter(grid.rows)
    for _ in range(header.row - grid.first_row + 1):
        next(rows, None)
    period_at = next(at for column, at in header.found if column.role == PERIOD)
    measures_at = [at for column, at in header.found if column.role == MEASURE]
    number = header.row
    kept: list[Row] = []
    numbers: list[int] = []
    for row in rows:
        number += 1
        if all(cell is None or cell == "" for cell in row):
            continue
        width = len(row)
        if read_month(row[period_at] if period_at < width else None) is None and all(
            at >= width or row[at] in (None, "") for at in measures_at
        ):
            report.note("note_row", "info", f"{table.name}: rows of figures", "text below the table", None)
            continue
        kept.append(row)
        numbers.append(number)
        if len(kept) >= BLOCK:
            yield _frame(kept, numbers, header)
            kept, numbers = [], []
    if kept:
        yield _frame(kept, numbers, header)


def _frame(rows: list[Row], numbers: list[int], header: Header) -> Frame:
    def cells(at: int) -> list[Any]:
        return [row[at] if at < len(row) else None for row in rows]

    def texts(at: int) -> pa.DictionaryArray:
        return pa.array([read_text(cell) for cell in cells(at)], pa.string()).dictionary_encode()

    def measure(at: int) -> tuple[np.ndarray[Any, Any], list[Number]]:
        known: dict[Any, int] = {}
        codes = np.fromiter((known.setdefault(cell, len(known)) for cell in cells(at)), np.int64, len(rows))
        return codes, [read_number(cell) for cell in known]

    period_at = next(at for column, at in header.found if column.role == PERIOD)
    raw = cells(period_at)
    months: dict[Any, str | None] = {}
    for cell in raw:
        if cell not in months:
            months[cell] = read_month(cell)
    return Frame(
        np.asarray(numbers, np.int64),
        pa.array([months[cell] for cell in raw], pa.string()).dictionary_encode(),
        lambda row: str(raw[row]),
        {c.role: texts(at) for c, at in header.found if c.role not in (PERIOD, MEASURE, OTHER)},
        {c.name: texts(at) for c, at in header.found if c.role == OTHER}
        | {name: texts(at) for name, at in header.added if _is_category(cells(at))},
        {c.name: measure(at) for c, at in header.found if c.role == MEASURE},
    )


def _is_category(cells: list[Any]) -> bool:
    """Return whether a column that the layout does not know holds words (and not figures or markers)."""
    return any(isinstance(cell, str) and not read_number(cell).is_known for cell in cells)
