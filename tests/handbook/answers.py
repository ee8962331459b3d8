"""The SQL of the handbook for analysts, and the answers printed below it.

`python -m tests.handbook.answers WAREHOUSE.duckdb` (the published file of the sample) writes them anew.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "handbook" / "analysts.md"
BLOCK = re.compile(
    r"(?:<!-- table: (?P<tables>[^>]*) -->\n)?"
    r"```sql\n(?P<sql>.*?)```\n"
    r"(?P<answer>(?:\n\|[^\n]*(?:\n\|[^\n]*)*\n)?)",
    re.DOTALL,
)
Rows = tuple[list[str], list[Sequence[Any]]]


@dataclass(frozen=True)
class Block:
    """One SQL block: the printed tables that it gives, and the answer printed below it (empty: none)."""

    question: int
    tables: list[str]
    sql: str
    answer: str


def blocks(text: str) -> list[Block]:
    """Return the SQL blocks in their order."""
    starts = [(match.start(), int(match[1])) for match in re.finditer(r"<!-- q:(\d+) -->", text)]
    return [
        Block(
            question=max(number for start, number in starts if start < match.start()),
            tables=(match["tables"] or "").split(),
            sql=match["sql"],
            answer=match["answer"].strip(),
        )
        for match in BLOCK.finditer(text)
    ]


def shown(value: Any) -> str:
    """Return a value as the handbook prints it: nothing for null, whole numbers without decimals."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e5 else f"{value:.0f}"
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value).replace("|", "\\|")


def table(found: Rows) -> str:
    """Return the answer as a Markdown table."""
    columns, rows = found
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(shown, row))} |" for row in rows)])


def duck(con: duckdb.DuckDBPyConnection) -> Callable[[str], Rows]:
    """Return a function that runs a block on a connection to the published file."""

    def run(sql: str) -> Rows:
        cursor = con.execute(sql)
        return [column[0] for column in cursor.description or []], list(cursor.fetchall())

    return run


def answered(text: str, run: Callable[[str], Rows]) -> str:
    """Return the page with the answers that the blocks give."""

    def put(match: re.Match[str]) -> str:
        head = f"<!-- table: {match['tables']} -->\n" if match["tables"] else ""
        return f"{head}```sql\n{match['sql']}```\n\n{table(run(match['sql']))}\n"

    return BLOCK.sub(put, text)


if __name__ == "__main__":
    with duckdb.connect(sys.argv[1], read_only=True) as connection:
        PAGE.write_text(answered(PAGE.read_text(encoding="utf-8"), duck(connection)), encoding="utf-8")
    sys.stdout.write(f"{Path(PAGE).relative_to(PROJECT_ROOT)}\n")
