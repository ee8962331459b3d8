"""Options that several commands understand: lists of ids and of years."""

from __future__ import annotations

import re

import typer

FIRST_YEAR, LAST_YEAR = 1990, 2100


def id_list(text: str | None) -> list[str] | None:
    """Return the ids of a comma-separated list; None when nothing was given."""
    if text is None:
        return None
    ids = [part.strip() for part in text.split(",") if part.strip()]
    if not ids:
        raise typer.BadParameter("expected ids, comma-separated; found an empty list")
    return list(dict.fromkeys(ids))


def year_list(text: str | None) -> list[int] | None:
    """Return the years of a list such as `2020-2023,2025`; None when nothing was given."""
    parts = id_list(text)
    if parts is None:
        return None
    years: set[int] = set()
    for part in parts:
        match = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", part)
        first = int(match[1]) if match else 0
        last = int(match[2]) if match and match[2] else first
        if not FIRST_YEAR <= first <= last <= LAST_YEAR:
            raise typer.BadParameter(
                f"expected years such as 2020-2023,2025 between {FIRST_YEAR} and {LAST_YEAR}; found {part!r}"
            )
        years.update(range(first, last + 1))
    return sorted(years)


def user_name() -> str:
    """Return who calls, for a log; `unknown` where the machine does not know."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
