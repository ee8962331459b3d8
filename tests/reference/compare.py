"""Compare a published table, cell by cell, with what is expected of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import duckdb
from tests.reference.knowledge import AnyOf
from tests.reference.table import RowKey, Table

TOLERANCE = 1e-6
RELATIVE = 1e-9
EXAMPLES = 4


@dataclass
class Comparison:
    """How many cells were compared, and where they differ."""

    cells: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def differs(self, what: str, example: str) -> None:
        """Note a difference; the first ones of each kind are kept as examples."""
        self.counts[what] += 1
        kept = self.examples.setdefault(what, [])
        if len(kept) < EXAMPLES:
            kept.append(example)

    def report(self) -> str:
        """Return the differences as text, empty when there are none."""
        lines = []
        for what, number in sorted(self.counts.items()):
            lines += [f"{what}: {number}", *(f"    {text}" for text in self.examples[what])]
        return "\n".join(lines)


def same(expected: object, found: object) -> bool:
    """Say whether a published cell is what is expected: numbers to 1e-6, everything else literally."""
    if isinstance(expected, AnyOf):
        return any(same(one, found) for one in expected)
    if isinstance(expected, tuple):
        return expected == _ids(found)
    if expected is None or found is None or isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float):
        if not isinstance(found, int | float):
            return False
        return abs(expected - found) <= TOLERANCE + RELATIVE * abs(expected)
    return expected == found


def _ids(found: Any) -> tuple[str, ...]:
    if found is None:
        return ()
    if isinstance(found, str):
        return tuple(part.strip() for part in found.split(",") if part.strip())
    return tuple(found)


def compare(con: duckdb.DuckDBPyConnection, table: Table, result: Comparison) -> None:
    """Compare one table in both directions."""
    rows = con.sql(f"select * from {table.name}")
    columns = rows.columns
    positions = [columns.index(name) for name in table.key]
    found: dict[RowKey, tuple[Any, ...]] = {}
    for row in rows.fetchall():
        key = tuple(row[i] for i in positions)
        if key in found:
            result.differs(f"{table.name}: row twice", str(key))
        found[key] = row
    for key in sorted(table.required - found.keys(), key=str):
        result.differs(f"{table.name}: row is missing", f"{key}: expected {table.row(key)}")
    for key, row in found.items():
        if key not in table.required and not table.allowed(key):
            result.differs(f"{table.name}: row is not expected", f"{key}: {row}")
            continue
        for name, expected in table.row(key).items():
            result.cells += 1
            if name not in columns:
                result.differs(f"{table.name}.{name}: column is missing", "")
            elif not same(expected, row[columns.index(name)]):
                text = f"{key}: expected {expected!r}, found {row[columns.index(name)]!r}"
                result.differs(f"{table.name}.{name}", text)
