"""Findings of the source, and the errors that a file can cause."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ame_warehouse.errors import SourceError


@dataclass(frozen=True)
class Note:
    """Something noticed: a row of findings.parquet without the fetch's own columns."""

    kind: str
    severity: str
    expected: str
    found: str
    detail: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the note for fetch.json."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "expected": self.expected,
            "found": self.found,
            "detail": self.detail,
        }


@dataclass
class Report:
    """What reading one file brought besides its rows: notes, and cells that could not be typed.

    Quarantined cells are listed up to `most`; all are counted.
    """

    notes: list[Note] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    most: int = 10_000

    def note(self, kind: str, severity: str, expected: str, found: str, detail: str | None = None) -> None:
        """Add a note unless it is there already."""
        note = Note(kind, severity, expected, found, detail)
        if note not in self.notes:
            self.notes.append(note)

    def put_aside(self, table: str, row_no: int, column: str | None, reason: str, raw: str) -> None:
        """Put a row or a cell into quarantine."""
        self.refused[f"{table}: {reason}"] += 1
        if len(self.quarantine) < self.most:
            self.quarantine.append(
                {
                    "sheet_or_cache": table,
                    "row_no": row_no,
                    "column_name": column,
                    "reason": reason,
                    "raw": raw[:500],
                }
            )

    def conclude(self, dataset: str) -> None:
        """Turn the counts of the quarantine into notes."""
        for what, times in sorted(self.refused.items()):
            self.note(
                "quarantined",
                "warning",
                f"{dataset}: every cell typed",
                what,
                f"{times} rows or cells put aside",
            )


class LayoutError(SourceError):
    """A workbook does not have what its layout needs; `notes` name each drift."""

    def __init__(self, message: str, *, notes: list[Note] | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.notes = notes or []
