"""Time that never runs backwards: what comes later is later, whatever the machine's clock says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

FETCH_TIME = "%Y%m%dT%H%M%S%fZ"
VERSION_TIME = "%Y%m%dT%H%M%SZ"


def later_than(names: Iterable[str], form: str, step: timedelta) -> tuple[datetime, timedelta | None]:
    """Return a moment (UTC) later than all that names begin with (`<time>-<rest>`), by at least `step`.

    It is now, unless the clock has been put back: then the newest name's time and `step`, and by how much the
    clock is behind it (else None). Names that begin with no time do not count.
    """
    now = datetime.now(UTC)
    newest = max((moment for name in names if (moment := _moment(name, form)) is not None), default=None)
    if newest is None or now >= newest + step:
        return now, None
    return newest + step, newest - now


def _moment(name: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(name.partition("-")[0], form).replace(tzinfo=UTC)
    except ValueError:
        return None
