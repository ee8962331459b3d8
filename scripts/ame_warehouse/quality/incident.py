"""What an incident is: its fields, its public id, and what one run changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from ame_warehouse.errors import AmeError


@dataclass(frozen=True)
class Incident:
    """One incident. Times are UTC, ISO 8601 without a time zone; `resolved_at` None means open.

    `acknowledged_until` is the last day of the acknowledgement (None: no end), `lapsed_at` when one ended.
    """

    incident_id: str
    check_id: str
    severity: str
    opened_at: str
    last_seen_at: str
    times_seen: int
    acknowledged_by: str | None
    note: str | None
    resolved_at: str | None
    scope: str
    summary: str
    owner: str
    action: str
    acknowledged_at: str | None
    last_count: int
    worst_count: int
    acknowledged_count: int | None
    reopened_at: str | None
    acknowledged_until: str | None
    lapsed_at: str | None
    previous_incident_id: str | None

    @property
    def is_open(self) -> bool:
        """True until a run finds the fault gone."""
        return self.resolved_at is None


@dataclass(frozen=True)
class Recorded:
    """What one run changed: ids of the incidents opened, seen again, resolved, and opened again."""

    opened: list[str]
    seen: list[str]
    resolved: list[str]
    reopened: list[str] = field(default_factory=list)


def label(number: int) -> str:
    """Return the public id of an incident: `INC-0012`."""
    return f"INC-{number:04d}"


def number_of(incident_id: str) -> int:
    """Return the number in `INC-0012`, `inc-12` or `12`; raise `AmeError` for anything else."""
    text = incident_id.strip().upper().removeprefix("INC-")
    if text.isascii() and text.isdigit():
        return int(text)
    raise AmeError(
        f"{incident_id!r} is no incident id",
        expected="an id such as INC-0012",
        found=incident_id,
        action="list them with `ame incidents`",
    )
