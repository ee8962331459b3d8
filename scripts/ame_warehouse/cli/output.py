"""Write rows for people (a table) or for programs (CSV, JSON) to stdout."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any

PLAIN_WIDTH = 1_000


def counted(number: int, noun: str) -> str:
    """Return "1 row", "2 rows"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def write_json(value: Any) -> None:
    """Write one JSON document, UTF-8, dates as ISO text."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_as_text) + "\n")


def _as_text(value: object) -> str:
    """Return a date or a time as ISO 8601 writes it (`2024-01-31T00:00:00`), anything else as its text."""
    return value.isoformat() if isinstance(value, date) else str(value)


def write_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write CSV with a header; a missing value is an empty field."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if value is None else value for value in row] for row in rows)


def write_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write an aligned table: wrapped to a terminal's width, never cut when the output is not a terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    terminal = sys.stdout.isatty()
    table = Table(*columns, box=box.SIMPLE, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    console = Console(file=sys.stdout, width=None if terminal else PLAIN_WIDTH, highlight=False, markup=False)
    console.print(table)
