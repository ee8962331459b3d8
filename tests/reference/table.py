"""The expected content of one published table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

RowKey = tuple[Any, ...]
Row = dict[str, object]


@dataclass(frozen=True)
class Table:
    """Which rows must be there, which may be, and what stands in each.

    `required` holds the keys that the contract fixes; `allowed` says of any other key whether it may be
    published as well; `row` gives the expected columns of a required or allowed key.
    """

    name: str
    key: tuple[str, ...]
    required: set[RowKey]
    row: Callable[[RowKey], Row]
    allowed: Callable[[RowKey], bool]
