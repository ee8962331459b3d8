"""Checksums of tables that hold what they held before: remembered, not computed again.

A checksum sorts a table, which is half the work of a publication. It is a function of the values alone, and
the exact digest, with which every copy is held against the candidate anyway, tells whether they are the same.
What is remembered counts only for the same columns, rows and digest, the same rule and the same DuckDB, whose
hash the digest is. The file can be deleted at any time: then everything is computed again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.errors import PublishError
from ame_warehouse.publish import checksum as rules
from ame_warehouse.publish.files import sha256
from ame_warehouse.publish.manifest import read_json, write_json
from ame_warehouse.settings import Settings


class Remembered:
    """The checksums of the last publication, by `schema.table`, and those of this one."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.build / "checksums.json"
        self._made_by = {"duckdb": duckdb.__version__, "rule": sha256(Path(rules.__file__))}
        body = read_json(self._path)
        known = body.get("tables") if body.get("made_by") == self._made_by else None
        self._known: dict[str, Any] = known if isinstance(known, dict) else {}
        self._now: dict[str, Any] = {}

    def checksum(
        self,
        con: duckdb.DuckDBPyConnection,
        name: str,
        relation: str,
        exact: tuple[int, int],
        exclude: Collection[str] = (),
    ) -> tuple[int, str]:
        """Return (number of rows, sha256 hex) of a relation, as `checksum.checksum` gives it.

        `exact` is what `checksum.digest_of_copy` gives for the same relation.
        """
        key = {
            "columns": [list(column) for column in rules.columns(con, relation)],
            "exclude": list(exclude),
            "rows": exact[0],
            "digest": str(exact[1]),
        }
        before = self._known.get(name)
        if isinstance(before, dict) and before.get("key") == key and isinstance(before.get("checksum"), str):
            found = (exact[0], before["checksum"])
        else:
            found = rules.checksum(con, relation, exclude=exclude)
        self._now[name] = {"key": key, "checksum": found[1]}
        return found

    def keep(self) -> None:
        """Write down what this publication found; a disk that does not allow it costs time later, no more."""
        with contextlib.suppress(PublishError):
            write_json(self._path, {"made_by": self._made_by, "tables": self._now})
