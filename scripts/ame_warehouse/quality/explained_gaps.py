"""Explanations of gaps: dated rows with a note and a role, that end by themselves.

They stand in two places: the seed `acknowledged_gaps.csv` of the project, and
`AME_HOME/quality/acknowledged_gaps.csv`, which `ame gaps ack` writes. dbt reads both.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ame_warehouse.errors import AmeError, SettingsError
from ame_warehouse.pipeline import locks
from ame_warehouse.pipeline.faults import readable
from ame_warehouse.settings import Settings

MAX_YEARS_AHEAD = 5


@dataclass(frozen=True)
class Explanation:
    """One explained gap: years from–to (None = open), days on which it holds, role and note."""

    measure_id: str
    municipality_id: str
    year_from: int
    year_to: int | None
    acknowledged_by: str
    acknowledged_on: date
    expires_on: date | None
    note: str

    def holds_on(self, day: date) -> bool:
        """True from the day of the explanation through its last day."""
        return self.acknowledged_on <= day and (self.expires_on is None or day <= self.expires_on)


COLUMNS = tuple(field.name for field in fields(Explanation))


def store_path(settings: Settings) -> Path:
    """Return the file in which the explanations given with `ame gaps ack` stand."""
    return settings.quality / "acknowledged_gaps.csv"


def today() -> date:
    """Return the day on which explanations are judged (UTC)."""
    return datetime.now(UTC).date()


def build_day(as_of: str | None) -> date:
    """Return the day for which a build is made: that of `as_of` (ISO text), else today."""
    return date.fromisoformat(as_of[:10]) if as_of else today()


def own(settings: Settings) -> list[Explanation]:
    """Return the explanations of `ame gaps ack`, expired ones too, in the order in which they were given."""
    path = store_path(settings)
    return _read(path) if path.exists() else []


def in_force(settings: Settings, day: date) -> list[tuple[str, ...]]:
    """Return the explanations of seed and store that hold on `day`, as text, sorted.

    Raises `AmeError` when a file is not in its form.
    """
    seed = settings.seeds / "acknowledged_gaps.csv"
    rows = (_read(seed) if seed.exists() else []) + own(settings)
    return sorted(_text(row) for row in rows if row.holds_on(day))


def add(settings: Settings, rows: Iterable[Explanation]) -> int:
    """Append explanations to the store, all or none; one that stands there already is not added again.

    Role and note are kept on one line. Returns the number added. Raises `SettingsError` for an empty role or
    note, and for dates that cannot be.
    """
    wanted = [
        replace(row, acknowledged_by=_one_line(row.acknowledged_by), note=_one_line(row.note)) for row in rows
    ]
    for row in wanted:
        _check(row)
    with _writing(settings):
        known = own(settings)
        new = [row for row in dict.fromkeys(wanted) if row not in known]
        if new:
            _write(store_path(settings), known + new)
    return len(new)


def end(settings: Settings, number: int, *, by: str, note: str) -> Explanation:
    """End the explanation with this number (1 = the first) yesterday, so that its gap counts again from now.

    Raises `AmeError` when there is none, or when it has ended already.
    """
    if not by.strip() or not note.strip():
        raise _unsigned(by, note)
    day = today()
    with _writing(settings):
        known = own(settings)
        if not 1 <= number <= len(known) or not known[number - 1].holds_on(day):
            raise AmeError(
                f"there is no explanation {number} in force",
                expected=f"a number from 1 to {len(known)} of one that has not expired"
                if known
                else "an explanation given with `ame gaps ack`",
                found=str(number),
                source=str(store_path(settings)),
                action="list them with `ame gaps acks`; a row of the seed is ended in the seed",
            )
        old = known[number - 1]
        told = f"{old.note}; ended by {_one_line(by)}, {day.isoformat()}: {_one_line(note)}"
        ended = replace(old, expires_on=day - timedelta(days=1), note=told)
        _write(store_path(settings), [*known[: number - 1], ended, *known[number:]])
    return ended


def last_day(text: str, day: date | None = None) -> date:
    """Return the day in `text` (YYYY-MM-DD), if an explanation may end then; else raise `SettingsError`."""
    day = day or today()
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or not day <= found <= day + timedelta(days=366 * MAX_YEARS_AHEAD):
        raise SettingsError(
            "the last day of the explanation cannot be used",
            expected=f"YYYY-MM-DD, from today ({day.isoformat()}) to {MAX_YEARS_AHEAD} years ahead",
            found=repr(text),
            source="--until",
            action="name the day on which somebody should look at it again",
        )
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _check(row: Explanation) -> None:
    if not row.acknowledged_by.strip() or not row.note.strip():
        raise _unsigned(row.acknowledged_by, row.note)
    if row.year_to is not None and row.year_to < row.year_from:
        raise SettingsError(
            "the years of the explanation are not in order",
            expected="first year no later than the last",
            found=f"{row.year_from}-{row.year_to}",
            source="--years",
        )


def _unsigned(by: str, note: str) -> SettingsError:
    return SettingsError(
        "an explanation needs a role and a note",
        expected="who explains it, and why the value is missing",
        found=f"by={by!r}, note={note!r}",
        source="--by, --note",
        action="give both",
    )


def _writing(settings: Settings) -> AbstractContextManager[None]:
    return locks.hold(
        settings.home / ".locks" / "acknowledged_gaps.lock",
        "ame gaps ack",
        wait_seconds=30,
        busy_action="try again",
    )


def _text(row: Explanation) -> tuple[str, ...]:
    return tuple("" if value is None else str(value) for value in astuple(row))


def _read(path: Path) -> list[Explanation]:
    """Return the rows of a file; raise `AmeError` that names the line which cannot be used."""
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError("columns " + ",".join(reader.fieldnames or ()))
            found = []
            for row in reader:
                line = reader.line_num
                found.append(_explanation(row))
            return found
    except (OSError, ValueError, TypeError, csv.Error) as exc:
        raise AmeError(
            "the explanations of gaps cannot be read",
            expected="columns " + ",".join(COLUMNS) + "; years and dates as 2022 and 2027-01-31",
            found=f"line {line}: {exc}",
            source=str(path),
            action="correct the line that is named",
        ) from exc


def _explanation(row: dict[str, str]) -> Explanation:
    return Explanation(
        measure_id=row["measure_id"],
        municipality_id=row["municipality_id"],
        year_from=int(row["year_from"]),
        year_to=int(row["year_to"]) if row["year_to"] else None,
        acknowledged_by=row["acknowledged_by"],
        acknowledged_on=date.fromisoformat(row["acknowledged_on"]),
        expires_on=date.fromisoformat(row["expires_on"]) if row["expires_on"] else None,
        note=row["note"],
    )


def _write(path: Path, rows: list[Explanation]) -> None:
    """Replace the file; a reader sees the old or the new one, never half of one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_text(row) for row in rows)
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text.getvalue(), encoding="utf-8")
        partial.replace(path)
    except OSError as exc:
        known = readable(exc, path)
        raise known or AmeError(
            "the explanations of gaps cannot be written",
            found=f"{type(exc).__name__}: {exc.strerror or exc}",
            source=str(path),
            action="check permissions and free space of AME_HOME",
        ) from exc
