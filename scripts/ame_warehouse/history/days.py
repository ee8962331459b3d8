"""A day as a point of knowledge: its end, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

from ame_warehouse.errors import AmeError


class WrongDateError(AmeError):
    """A date that cannot be used (exit status 2)."""

    exit_code = 2


def parse_day(text: str, now: datetime | None = None) -> date:
    """Return the date of `YYYY-MM-DD`; raise `WrongDateError` for anything else and for the future."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as exc:
        raise WrongDateError(
            "the date cannot be used",
            expected="a day as YYYY-MM-DD, for example 2023-06-04",
            found=repr(text),
            action="correct the date",
        ) from exc
    today = (now or datetime.now(UTC)).date()
    if day > today:
        raise WrongDateError(
            "what will be known then is not known yet",
            expected=f"a day up to today, {today} (UTC)",
            found=text,
            action="choose an earlier day",
        )
    return day


def end_of(day: date) -> str:
    """Return the last moment of a day, UTC, as dbt's variable ame_as_of and the queries take it."""
    return f"{day.isoformat()}T23:59:59.999999"
