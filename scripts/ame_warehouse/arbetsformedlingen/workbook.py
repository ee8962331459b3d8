"""Recognise a file by what is in it, and read it with the reader that fits its layout."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from ame_warehouse.arbetsformedlingen import pivot_table, rusta_och_matcha, sheets
from ame_warehouse.arbetsformedlingen.guard import UNREADABLE, inspect_workbook
from ame_warehouse.arbetsformedlingen.layouts import Layout, Table
from ame_warehouse.arbetsformedlingen.long import LongWriter, to_long
from ame_warehouse.arbetsformedlingen.notes import LayoutError, Note, Report
from ame_warehouse.arbetsformedlingen.pivot_definition import (
    FOLDER,
    Cache,
    choose_cache,
    missing_columns,
    read_caches,
)

MOST_QUARANTINED = 0.5
# LookupError: an encoding that does not exist, a part that is not there
DAMAGED = (*UNREADABLE, ParseError, LookupError)


@dataclass
class Plan:
    """What of a file is read: caches and sheets with the table that each holds, and what was noticed on
    the way.
    """

    caches: list[tuple[Table, Cache]] = field(default_factory=list)
    sheets: list[tuple[Table, str, sheets.Header]] = field(default_factory=list)
    age_span: str | None = None
    report: Report = field(default_factory=Report)


def recognise(path: Path, layout: Layout, suffix: str, source: str) -> list[Note]:
    """Check that a file is what its layout says, before it is taken into use.

    Args:
        path: the file. layout: its layout. suffix: `xlsx`, `csv` or `txt`. source: its address, for messages.

    Returns what is odd and harmless. Raises `SourceError` for a file that is no whole workbook,
    `LayoutError` (with named drift in `notes`) for a workbook without the sheets, caches or columns that
    are needed.
    """
    if suffix == "xlsx":
        inspect_workbook(path, source)
    if layout.shape == "rusta_och_matcha":
        return rusta_och_matcha.check(sheets.Sheets(path, suffix))
    return plan(path, layout, suffix).report.notes


def plan(path: Path, layout: Layout, suffix: str) -> Plan:
    """Return what of a file is to be read.

    Raises `LayoutError` when a required table is not there, or when the file is damaged.
    """
    try:
        if layout.shape == "pivot" or (layout.shape == "pivot_or_sheets" and _has_caches(path, suffix)):
            made = _plan_pivot(path, layout)
        else:
            made = _plan_sheets(path, layout, suffix)
    except DAMAGED as exc:
        raise _damaged(path, exc) from exc
    if layout.title_sheets:
        made.age_span = sheets.title_span(sheets.Sheets(path, suffix), layout)
        if made.age_span is None:
            made.report.note(
                "no_age_span", "warning", f"{layout.dataset}: a title with the age span", "none found", None
            )
    return made


def read(
    path: Path, layout: Layout, suffix: str, constants: dict[str, str | None], writer: LongWriter
) -> tuple[list[dict[str, Any]], Report]:
    """Read a file: long rows go to the writer, agreements of Rusta och matcha are returned.

    Args:
        constants: columns that are the same in every row (`fetch_id`, `file_sha256`, `dataset`).

    Returns (agreements, report). Raises `LayoutError` when the file turns out to be damaged, or when more
    than half of its rows cannot be typed.
    """
    if layout.shape == "rusta_och_matcha":
        report = Report()
        agreements = rusta_och_matcha.read_results(sheets.Sheets(path, suffix), report)
        _judge(report, len(agreements), layout, path)
        return [{**agreement, **_own(constants)} for agreement in agreements], report
    made = plan(path, layout, suffix)
    rows = 0
    try:
        if made.caches:
            with zipfile.ZipFile(path) as archive:
                for table, cache in made.caches:
                    matched = pivot_table.match(table, cache, made.report)
                    said = {**constants, "sheet_or_cache": table.name, "age_span": made.age_span}
                    for frame in pivot_table.iter_frames(archive, matched):
                        rows += _write(frame, said, table, made.report, writer)
        book = sheets.Sheets(path, suffix) if made.sheets else None
        for table, name, header in made.sheets if book else []:
            said = {**constants, "sheet_or_cache": table.name, "age_span": made.age_span}
            before = rows
            for frame in sheets.iter_frames(book, name, table, header, made.report):  # type: ignore[arg-type]
                rows += _write(frame, said, table, made.report, writer)
            if rows == before:
                raise _empty(path, name)
    except DAMAGED as exc:
        raise _damaged(path, exc) from exc
    _judge(made.report, rows, layout, path)
    return [], made.report


def _damaged(path: Path, exc: Exception) -> LayoutError:
    return LayoutError(
        "the workbook is damaged",
        expected="a whole .xlsx file",
        found=str(exc) or type(exc).__name__,
        source=path.name,
        action="fetch it again; when it stood in the landing, restore it from a backup",
    )


def _own(constants: dict[str, str | None]) -> dict[str, str | None]:
    return {name: constants[name] for name in ("fetch_id", "file_sha256")}


def _write(
    frame: Any, constants: dict[str, str | None], table: Table, report: Report, writer: LongWriter
) -> int:
    rows = 0
    for part in to_long(frame, constants, table.name, report):
        writer.append(part)
        rows += part.num_rows
    return rows


def _judge(report: Report, rows: int, layout: Layout, path: Path) -> None:
    aside = sum(report.refused.values())
    if rows == 0 or aside > MOST_QUARANTINED * (rows + aside):
        raise LayoutError(
            "the file has no usable rows" if rows == 0 else "most rows of the file cannot be typed",
            expected=f"the rows of {layout.dataset}",
            found=f"{rows} usable, {aside} put aside",
            source=path.name,
            action="open the file and compare it with the layout",
        )
    report.conclude(layout.dataset)


def _empty(path: Path, name: str) -> LayoutError:
    return LayoutError(
        "a sheet has a header and no rows",
        expected="rows of figures below the header",
        found="none",
        source=f"{path.name}, {name}",
        action="open the workbook; the last good one stays in use",
    )


def _has_caches(path: Path, suffix: str) -> bool:
    if suffix != "xlsx":
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.startswith(FOLDER) for name in archive.namelist())


def _plan_pivot(path: Path, layout: Layout) -> Plan:
    made = Plan()
    with zipfile.ZipFile(path) as archive:
        caches = read_caches(archive)
    if not caches:
        raise LayoutError(
            "the workbook has no pivot cache: its visible sheet is a filter view, not the data",
            expected=f"{FOLDER}pivotCacheDefinition*.xml with the fields of {layout.dataset}",
            found="no pivot cache",
            source=path.name,
            action="open the workbook; if AF publishes plain sheets now, change the layout",
            notes=[Note("missing_cache", "error", f"{layout.dataset}: a pivot cache", "none")],
        )
    tables = layout.tables[:1] if layout.shape == "pivot_or_sheets" else layout.tables
    notes: list[Note] = []
    for table in tables:
        cache = choose_cache(caches, table)
        if cache is not None:
            made.caches.append((table, cache))
            continue
        lacking = missing_columns(caches, table)
        unknown = sorted(
            {one.name for cache in caches for one in cache.fields if not _known(one.name, layout)}
        )
        severity = "error" if table.required else "warning"
        for name in lacking:
            kind = "renamed_column" if unknown else "missing_column"
            found = "no such field" + (f"; unknown here: {', '.join(unknown[:6])}" if unknown else "")
            notes.append(Note(kind, severity, f"{table.name}: {name}", found))
    used = {cache.name for _, cache in made.caches}
    for cache in caches:
        if cache.name not in used:
            fields = ", ".join(one.name for one in cache.fields)
            notes.append(
                Note("added_cache", "info", f"the caches of {layout.dataset}", f"a cache with {fields}")
            )
    if any(note.severity == "error" for note in notes):
        raise _lacking(path, layout, notes)
    for table, cache in made.caches:
        pivot_table.match(table, cache, made.report)
        if cache.records is None:
            raise LayoutError(
                "the workbook was saved without its pivot data",
                expected="a pivotCacheRecords part",
                found="none",
                source=f"{path.name}, {cache.definition}",
                action="fetch it again later; the last good one stays in use",
            )
    made.report.notes += notes
    return made


def _known(name: str, layout: Layout) -> bool:
    return any(table.column(name) is not None for table in layout.tables)


def _plan_sheets(path: Path, layout: Layout, suffix: str) -> Plan:
    made = Plan()
    book = sheets.Sheets(path, suffix)
    notes: list[Note] = []
    wanted = [table for table in layout.tables if table.sheets]
    missing = []
    for table in wanted:
        name = book.find(table.sheets)
        if name is None:
            missing.append(table)
            continue
        grid = book.grid(name)
        header, lacking = sheets.find_header(grid, table, iter(grid.rows))
        if header is None:
            if suffix == "xlsx":
                notes += sheets.drift(table, name, lacking, sheets.nearest_names(book.grid(name), table))
            continue
        made.sheets.append((table, name, header))
        found = {column.name for column, _ in header.found}
        for column in table.columns:
            if column.name not in found and not column.required:
                made.report.note(
                    "missing_column", "warning", f"{table.name}: {column.name}", "no such column"
                )
        for added, _ in header.added:
            made.report.note(
                "added_column",
                "warning",
                f"{table.name}: the columns of the layout",
                f"a column {added}",
                name,
            )
    for table in missing:
        notes.append(Note("missing_sheet", "error", f"a sheet {table.name}", ", ".join(book.names)))
    if suffix != "xlsx":  # a text file is one table: the first that fits, most columns first
        made.sheets = sorted(made.sheets, key=lambda one: -len(one[2].found))[:1]
        notes = [] if made.sheets else [Note("missing_column", "error", "a header of the layout", "none")]
    if any(note.severity == "error" for note in notes):
        raise _lacking(path, layout, notes)
    made.report.notes += notes
    return made


def _lacking(path: Path, layout: Layout, notes: list[Note]) -> LayoutError:
    errors = [note for note in notes if note.severity == "error"]
    return LayoutError(
        "the workbook is not as its layout says",
        expected="; ".join(note.expected for note in errors[:6]),
        found="; ".join(dict.fromkeys(note.found for note in errors[:6])),
        source=path.name,
        action=f"open the workbook; if AF renamed something, add the name to the layout {layout.dataset}",
        notes=notes,
    )
