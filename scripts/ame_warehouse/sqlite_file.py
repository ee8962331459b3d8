"""One small store in one SQLite file: all or nothing, several processes at once, a readable error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ame_warehouse.errors import AmeError

BUSY_SECONDS = 30


@dataclass(frozen=True)
class SqliteFile:
    """Where a store is, what is in it, and what to say when it cannot be used.

    `added` names columns that came later than the first version, `{table: {column: type}}`: a file of an
    earlier version gets them when it is opened.
    """

    path: Path
    schema: str
    name: str
    if_moved: str
    added: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection in a transaction: committed when the block ends, else as it was before.

        Raises `AmeError` when the file cannot be made, opened, read or written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            con = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as exc:
            raise self._unusable(exc) from exc
        try:
            con.executescript("pragma foreign_keys = on; pragma synchronous = full;" + self.schema)
            con.execute("begin immediate")
            self._bring_up_to_date(con)
            yield con
            con.execute("commit")
        except sqlite3.Error as exc:
            raise self._unusable(exc) from exc
        finally:
            con.close()

    def _bring_up_to_date(self, con: sqlite3.Connection) -> None:
        for table, columns in self.added.items():
            known = {row[0] for row in con.execute("select name from pragma_table_info(?)", (table,))}
            for column, kind in columns.items():
                if column not in known:
                    con.execute(f"alter table {table} add column {column} {kind}")

    def _unusable(self, exc: Exception) -> AmeError:
        return AmeError(
            f"{self.name} cannot be used",
            expected="an SQLite file that this user may write",
            found=f"{type(exc).__name__}: {exc}",
            source=str(self.path),
            action=f"check permissions and free space of AME_HOME; a damaged file can be moved aside: "
            f"{self.if_moved}",
        )
