"""The outbox: what has been told, and what waits to be delivered; one SQLite file, all or nothing.

It never holds an address, only the names of routes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ame_warehouse.alerts.message import Message
from ame_warehouse.settings import Settings
from ame_warehouse.sqlite_file import SqliteFile

PAUSES = (1, 5, 30, 120, 360, 1440)
"""Minutes until a delivery is tried again, after each failure; the last one repeats."""
FAILURES = 2
"""A route that failed so often with one message is an incident."""
KEEP_DELIVERED = timedelta(days=90)
CLAIM = timedelta(minutes=2)
SCHEMA = """
create table if not exists told (
    incident_id text primary key, severity text not null, count integer not null, state text not null,
    at text not null
);
create table if not exists messages (
    message_id integer primary key autoincrement, route text not null, severity text not null,
    subject text not null, body text not null, html text not null, created_at text not null,
    attempts integer not null default 0, next_at text not null, last_error text, delivered_at text,
    claimed_until text
);
create index if not exists waiting on messages (route, next_at) where delivered_at is null;
"""


@dataclass(frozen=True)
class Told:
    """What was last told of an incident: severity, failing rows, `open` or `resolved`, and when (UTC)."""

    severity: str
    count: int
    state: str
    at: str


@dataclass(frozen=True)
class Waiting:
    """A message that has not arrived yet."""

    message_id: int
    route: str
    subject: str
    created_at: str
    attempts: int
    next_at: str
    last_error: str | None


class Outbox:
    """Read and write the outbox of one AME_HOME. Several processes may use it at once."""

    def __init__(self, settings: Settings) -> None:
        self.path: Path = settings.quality / "outbox" / "outbox.sqlite"
        self._open = SqliteFile(
            self.path, SCHEMA, "the outbox of the alerts", "open incidents are then told again"
        ).transaction

    def told(self) -> dict[str, Told]:
        """Return what was last told, by incident."""
        with self._open() as con:
            rows = con.execute("select incident_id, severity, count, state, at from told").fetchall()
        return {row[0]: Told(*row[1:]) for row in rows}

    def put(
        self,
        messages: Iterable[tuple[str, Message]],
        told: dict[str, Told],
        now: datetime,
        expected: dict[str, Told] | None = None,
    ) -> bool:
        """Take messages (route, message) and what they tell, all or nothing.

        False, and nothing is taken, when another process has told one of the incidents since `expected`.
        """
        with self._open() as con:
            if expected is not None:
                rows = con.execute("select incident_id, severity, count, state, at from told").fetchall()
                current = {row[0]: Told(*row[1:]) for row in rows}
                if any(current.get(incident) != expected.get(incident) for incident in told):
                    return False
            con.executemany(
                "insert into messages (route, severity, subject, body, html, created_at, next_at) "
                "values (?, ?, ?, ?, ?, ?, ?)",
                [(r, m.severity, m.subject, m.text, m.html, text(now), text(now)) for r, m in messages],
            )
            con.executemany(
                "insert or replace into told values (?, ?, ?, ?, ?)",
                [(incident, t.severity, t.count, t.state, t.at) for incident, t in told.items()],
            )
        return True

    def claim(self, route: str, now: datetime) -> tuple[int, Message] | None:
        """Take the oldest due message of a route for delivery; None when there is none, or others have it."""
        with self._open() as con:
            row = con.execute(
                "select message_id, subject, body, html, severity, next_at, claimed_until from messages "
                "where route = ? and delivered_at is null order by message_id limit 1",
                (route,),
            ).fetchone()
            if row is None or row[5] > text(now) or (row[6] or "") > text(now):
                return None
            con.execute(
                "update messages set claimed_until = ? where message_id = ?", (text(now + CLAIM), row[0])
            )
        return int(row[0]), Message(*row[1:5])

    def delivered(self, message_id: int, now: datetime) -> None:
        """The message has arrived."""
        with self._open() as con:
            con.execute(
                "update messages set delivered_at = ?, claimed_until = null, last_error = null "
                "where message_id = ?",
                (text(now), message_id),
            )
            con.execute("delete from messages where delivered_at < ?", (text(now - KEEP_DELIVERED),))

    def failed(self, message_id: int, error: str, now: datetime) -> None:
        """The message has not arrived: it and those behind it wait, longer each time."""
        with self._open() as con:
            attempts, route = con.execute(
                "select attempts + 1, route from messages where message_id = ?", (message_id,)
            ).fetchone()
            later = text(now + timedelta(minutes=PAUSES[min(attempts, len(PAUSES)) - 1]))
            con.execute(
                "update messages set attempts = ?, last_error = ?, claimed_until = null where message_id = ?",
                (attempts, error, message_id),
            )
            con.execute(
                "update messages set next_at = ? where route = ? and delivered_at is null", (later, route)
            )

    def waiting(self) -> list[Waiting]:
        """Return what has not arrived, oldest first."""
        if not self.path.exists():
            return []
        with self._open() as con:
            rows = con.execute(
                "select message_id, route, subject, created_at, attempts, next_at, last_error from messages "
                "where delivered_at is null order by message_id"
            ).fetchall()
        return [Waiting(*row) for row in rows]

    def move(self, old: str, new: str, now: datetime) -> None:
        """Give what waits for a route that is set no longer to another one, which tries it at once."""
        with self._open() as con:
            con.execute(
                "update messages set route = ?, attempts = 0, next_at = ?, claimed_until = null "
                "where route = ? and delivered_at is null",
                (new, text(now), old),
            )


def text(moment: datetime) -> str:
    """Return a time as the outbox keeps it: UTC, ISO 8601 without a time zone, to the microsecond."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
