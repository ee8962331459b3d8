"""What goes to PostgreSQL: the tables of one published version, with types, keys, comments and checksums."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.errors import PublishError
from ame_warehouse.publish import publisher
from ame_warehouse.publish.checksum import checksum, digest_of_copy
from ame_warehouse.serve.names import fit, ident
from ame_warehouse.serve.types import Column, column
from ame_warehouse.settings import Settings

BATCH = 20_000
TABLES_SQL = """
select schema_name, table_name, comment from duckdb_tables()
where database_name = 'published' and list_contains($schemas, schema_name)
order by all
"""
COLUMNS_SQL = """
select column_name, data_type, comment from duckdb_columns()
where database_name = 'published' and schema_name = $schema and table_name = $table
order by column_index
"""


@dataclass(frozen=True)
class Table:
    """One published table. `rows` and `digest` are what the copy must have (see `Source.read`)."""

    schema: str
    name: str
    columns: list[Column]
    rows: int
    digest: str
    comment: str | None = None
    primary_key: list[str] = field(default_factory=list)
    unique: list[list[str]] = field(default_factory=list)
    not_null: list[str] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        """`marts.costs`."""
        return f"{self.schema}.{self.name}"

    @property
    def pg_name(self) -> str:
        """The table in the versioned schema: `marts_costs`."""
        return fit(f"{self.schema}_{self.name}")


class Source:
    """The published DuckDB file, open for reading."""

    def __init__(self, con: duckdb.DuckDBPyConnection, manifest: dict[str, Any]) -> None:
        self.con = con
        self.manifest = manifest
        self.version: str = manifest["version"]
        self.tables = [self._table(*row) for row in self._list()]

    def batches(self, table: Table) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a table in batches, ready for binary COPY; memory is that of one batch."""
        picked = ", ".join(col.ship for col in table.columns)
        cursor = self.con.execute(f"select {picked} from {self._relation(table)}")  # noqa: S608
        while rows := cursor.fetchmany(BATCH):  # DuckDB streams; half the time of the way through Arrow
            yield rows

    def exact(self, table: Table) -> tuple[int, int]:
        """Return (rows, hash) of what is sent of a table, exact to the last bit (for this run only)."""
        return digest_of_copy(self.con, self._sent(table.columns, self._relation(table)))

    @staticmethod
    def _sent(columns: list[Column], relation: str) -> str:
        sent = ", ".join(f"{col.ship} as {ident(col.name)}" for col in columns)
        return f"(select {sent} from {relation})"  # noqa: S608

    def _list(self) -> list[tuple[str, str, str | None]]:
        rows: list[tuple[str, str, str | None]] = self.con.execute(
            TABLES_SQL, {"schemas": list(publisher.SCHEMAS)}
        ).fetchall()
        listed = {f"{schema}.{table}" for schema, table, _ in rows}
        if listed != set(self.manifest["tables"]):
            raise PublishError(
                "the published DuckDB file and its manifest do not belong together",
                expected=", ".join(sorted(self.manifest["tables"])),
                found=", ".join(sorted(listed)),
                action="run `ame run`: a damaged publication is made again",
            )
        return rows

    def _table(self, schema: str, name: str, comment: str | None) -> Table:
        found = self.con.execute(COLUMNS_SQL, {"schema": schema, "table": name}).fetchall()
        columns = [column(*row) for row in found]
        entry = self.manifest["tables"][f"{schema}.{name}"]
        known = entry.get("constraints") or {}
        table = Table(
            schema=schema,
            name=name,
            columns=columns,
            rows=entry["rows"],
            digest=entry["checksum"],
            comment=comment,
            primary_key=known.get("primary_key") or [],
            unique=known.get("unique") or [],
            not_null=known.get("not_null") or [],
        )
        if all(col.is_same for col in columns) and not entry.get("checksum_without"):
            return table
        # The manifest's checksum leaves columns out, or values are sent in another form: over what is sent.
        rows, digest = checksum(self.con, self._sent(columns, self._relation(table)))
        return Table(**{**vars(table), "rows": rows, "digest": digest})

    @staticmethod
    def _relation(table: Table) -> str:
        return ident("published", table.schema, table.name)


@contextmanager
def open_source(settings: Settings, manifest: dict[str, Any]) -> Iterator[Source]:
    """Open the file of a published version, the immutable one under `versions/`; raise `PublishError`."""
    kept = settings.published / "versions" / str(manifest["version"]) / "warehouse.duckdb"
    path = kept if kept.is_file() else settings.published / "warehouse.duckdb"
    try:
        with publisher.connect(settings) as con:
            con.execute(f"attach '{_quoted(path)}' as published (read_only)")
            yield _described(settings, con, manifest)
    except duckdb.Error as exc:
        raise PublishError(
            "the published DuckDB file cannot be read; PostgreSQL keeps the version it has",
            found=str(exc).splitlines()[0],
            source=str(path),
            action="run `ame run`: a damaged publication is made again",
        ) from exc


def _described(settings: Settings, con: duckdb.DuckDBPyConnection, manifest: dict[str, Any]) -> Source:
    try:
        return Source(con, manifest)
    except KeyError as exc:
        raise PublishError(
            "the manifest of the published version lacks an entry",
            expected=f"the entry {exc}",
            source=str(settings.published / "manifest.json"),
            action="run `ame run --full-refresh`",
        ) from exc


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
