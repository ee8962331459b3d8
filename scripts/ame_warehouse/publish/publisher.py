"""Publish a candidate: a fresh DuckDB file, Parquet copies and the manifest; readers never see half of it.

Layout of AME_HOME/published:

    versions/<version>/   all of this, complete, never changed; three are kept
    warehouse.duckdb      the same file as that of the newest version (hard link), replaced with os.replace
    parquet               relative symbolic link to versions/<version>/parquet, replaced with a rename
    datapackage.json, dcat.jsonld   metadata for programs and data portals, copies of those of the version
    manifest.json         written last: what it describes is in place

Everything is staged in `.staging-<version>/`, compared with the candidate and synced to disk before the first
name changes. A run that is killed before that leaves the old version; one that is killed between the three
names leaves complete files whose manifest is older, which `is_intact` sees and the next run repairs.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse import __version__
from ame_warehouse.errors import CopyDiffersError, PublishError
from ame_warehouse.publish import manifest as manifests
from ame_warehouse.publish import metadata, swedish
from ame_warehouse.publish.checksum import RUN_COLUMNS, columns, digest_of_copy
from ame_warehouse.publish.constraints import constraints
from ame_warehouse.publish.files import sha256 as _sha256
from ame_warehouse.publish.files import sync, sync_tree
from ame_warehouse.publish.names import forget_old, renew, swap_names
from ame_warehouse.publish.remembered import Remembered
from ame_warehouse.settings import Settings

SCHEMAS = ("marts", "quality")
STORAGE_VERSION = "v1.0.0"  # DuckDB 1.x clients open it; the default of 2.0 they cannot
STAGING = ".staging-"
TABLES_SQL = """
select schema_name, table_name from duckdb_tables()
where database_name = 'candidate' and list_contains($schemas, schema_name)
union all
select schema_name, view_name from duckdb_views()
where database_name = 'candidate' and list_contains($schemas, schema_name)
order by all
"""
COMMENTS_SQL = """
select 'table', schema_name, table_name, null, comment from duckdb_tables()
where database_name = 'candidate' and list_contains($schemas, schema_name) and comment is not null
union all
select 'column', schema_name, table_name, column_name, comment from duckdb_columns()
where database_name = 'candidate' and list_contains($schemas, schema_name) and comment is not null
"""


@dataclass(frozen=True)
class Publication:
    """What is published. Times are UTC, ISO 8601 with Z; `as_of_asked` limits what was known."""

    version: str
    fingerprint: str
    candidate: Path
    built_at: str
    as_of_asked: str | None = None
    fingerprint_parts: dict[str, str] = field(default_factory=dict)


def publish(settings: Settings, publication: Publication) -> dict[str, Any]:
    """Publish the candidate and return the manifest.

    Raises `PublishError` when the copy differs from the candidate, or when disk or permissions do not allow
    it; the published version is then untouched.
    """
    root = settings.published
    staging = root / f"{STAGING}{publication.version}"
    with _readable_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        clean_up(settings)
        try:
            tables, views = _stage(settings, publication, staging)
            body = _manifest(settings, publication, staging, tables) | {"swedish_views": views}
            _describe(settings, staging, body)
            manifests.write_json(staging / "manifest.json", body)
            sync_tree(staging)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        target = root / "versions" / publication.version
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            renew(staging, target)
        else:
            staging.rename(target)
        sync(target.parent)
        swap_names(root, target)
        manifests.write_json(manifests.manifest_path(settings), body)
        sync(root)
        forget_old(root, settings.keep_versions)
        manifests.keep_reserve(settings)
    return body


def clean_up(settings: Settings) -> None:
    """Remove what a killed publication left: staging directories and half-made links."""
    root = settings.published
    for path in [*root.glob(f"{STAGING}*"), *root.glob(".swap-*"), *root.glob(".*.partial")]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def is_intact(settings: Settings) -> bool:
    """True when what the manifest describes is in place."""
    body = manifests.read_manifest(settings)
    return body is not None and damaged(settings.published, body) is None


def damaged(root: Path, body: dict[str, Any]) -> str | None:
    """Return the first file below `root` that is not as a manifest says; None when all are.

    Files are compared byte for byte; by size alone where an older manifest has no checksum.
    """
    name = "manifest.json"
    try:
        for name, entry in body["files"].items():
            is_same = (root / name).stat().st_size == entry["bytes"]
            if not is_same or ("sha256" in entry and _sha256(root / name) != entry["sha256"]):
                return f"{name} differs"
    except (OSError, KeyError, TypeError) as exc:
        return f"{name}: {type(exc).__name__}"
    return None


def swap(settings: Settings, target: Path) -> None:
    """Let the public names point at a complete version; the caller writes the manifest afterwards."""
    with _readable_errors(settings.published):
        swap_names(settings.published, target)
        sync(settings.published)


def is_duckdb(path: Path) -> bool:
    """True when a path is a file with the header of a DuckDB database."""
    try:
        with path.open("rb") as handle:
            return handle.read(12)[8:] == b"DUCK"
    except OSError:
        return False


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Return a connection without a database of its own, with the memory limit and a place to spill."""
    spill = settings.build / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(config={"memory_limit": settings.memory_limit, "temp_directory": str(spill)})
    con.execute("set timezone = 'UTC'")
    return con


def _stage(
    settings: Settings, publication: Publication, staging: Path
) -> tuple[dict[str, dict[str, Any]], dict[str, swedish.SwedishView]]:
    """Write the DuckDB file and the Parquet files into `staging` and compare both with the candidate."""
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    if not publication.candidate.is_file():
        raise PublishError(
            "there is no candidate to publish",
            expected="the DuckDB file that dbt wrote",
            source=str(publication.candidate),
            action="run the whole build again (`ame run`)",
        )
    tables: dict[str, dict[str, Any]] = {}
    remembered = Remembered(settings)
    with connect(settings) as con:
        _attach(con, publication.candidate, staging / "warehouse.duckdb")
        for schema in SCHEMAS:
            (staging / "parquet" / schema).mkdir(parents=True)
        for schema, table in _tables(con):
            name = f"{schema}.{table}"
            parquet = staging / "parquet" / schema / f"{table}.parquet"
            _copy(con, schema, table, parquet)
            tables[name] = _compare(con, schema, table, parquet, remembered)
        _copy_comments(con)
        for name, known in constraints(settings, con).items():
            if name in tables:
                tables[name]["constraints"] = known
        views = swedish.write_views(con)
        con.execute("checkpoint published")
        con.execute("detach published")
    if not any(name.startswith("marts.") for name in tables):
        raise PublishError(
            "the candidate has no marts",
            expected="tables in the schema marts",
            found=", ".join(tables) or "no table at all",
            source=str(publication.candidate),
            action="see the dbt log in AME_HOME/build/target, then run `ame run` again",
        )
    remembered.keep()
    return tables, views


def write_file(settings: Settings, candidate: Path, target: Path) -> dict[str, int]:
    """Write the tables that would be published into one DuckDB file; return the rows of each by name.

    The selection, the comments, the Swedish views and the storage version are those of the published file.
    Raises `PublishError` when disk or permissions do not allow it.
    """
    found: dict[str, int] = {}
    with _readable_errors(target.parent), connect(settings) as con:
        _attach(con, candidate, target)
        for schema, table in _tables(con):
            _copy(con, schema, table, None)
            counted = con.execute(f'select count(*) from published.{schema}."{table}"').fetchone()  # noqa: S608
            found[f"{schema}.{table}"] = int(counted[0]) if counted else 0
        _copy_comments(con)
        swedish.write_views(con)
        con.execute("checkpoint published")
        con.execute("detach published")
        sync(target)
    return found


def _attach(con: duckdb.DuckDBPyConnection, candidate: Path, target: Path) -> None:
    con.execute(f"attach '{_quoted(candidate)}' as candidate (read_only)")
    con.execute(f"attach '{_quoted(target)}' as published (storage_version '{STORAGE_VERSION}')")
    for schema in SCHEMAS:
        con.execute(f"create schema if not exists published.{schema}")


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    rows = con.execute(TABLES_SQL, {"schemas": list(SCHEMAS)}).fetchall()
    return [(row[0], row[1]) for row in rows]


def _copy(con: duckdb.DuckDBPyConnection, schema: str, table: str, parquet: Path | None) -> None:
    """Copy one table, in the order in which its rows stand."""
    source = f'candidate.{schema}."{table}"'
    picked = [
        f'"{name}"::decimal(38, 0) as "{name}"' if kind in {"HUGEINT", "UHUGEINT"} else f'"{name}"'
        for name, kind in columns(con, source)  # Parquet has no 128-bit integers
    ]
    copy = f'published.{schema}."{table}"'
    con.execute(f"create table {copy} as select {', '.join(picked)} from {source}")  # noqa: S608
    if parquet is not None:
        con.execute(f"copy {copy} to '{_quoted(parquet)}' (format parquet, compression zstd)")


def _compare(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, parquet: Path, remembered: Remembered
) -> dict[str, Any]:
    """Hold both copies against the candidate; return what the manifest says of the table."""
    original = digest_of_copy(con, f'candidate.{schema}."{table}"')
    for what, relation in (
        ("the published table", f'published.{schema}."{table}"'),
        ("the Parquet copy", f"read_parquet('{_quoted(parquet)}')"),
    ):
        found = digest_of_copy(con, relation)
        if found != original:
            raise CopyDiffersError(
                f"{what} of {schema}.{table} differs from the candidate",
                expected=f"{original[0]} rows, digest {original[1]}",
                found=f"{found[0]} rows, digest {found[1]}",
                source=str(parquet if "Parquet" in what else parquet.parents[2] / "warehouse.duckdb"),
                action="check the disk for errors, then run `ame run` again",
            )
    name = f"{schema}.{table}"
    left_out = RUN_COLUMNS.get(name, ())
    rows, digest = remembered.checksum(con, name, f'published.{schema}."{table}"', original, left_out)
    entry: dict[str, Any] = {"rows": rows, "checksum": digest}
    if left_out:
        entry["checksum_without"] = list(left_out)
    return entry


def _copy_comments(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute(COMMENTS_SQL, {"schemas": list(SCHEMAS)}).fetchall()
    con.execute("begin")
    for kind, schema, table, column, comment in rows:
        name = f'published.{schema}."{table}"' + (f'."{column}"' if column else "")
        text = comment.replace("'", "''")
        con.execute(f"comment on {kind} {name} is '{text}'")
    con.execute("commit")


def _manifest(
    settings: Settings, publication: Publication, staging: Path, tables: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    warehouse = staging / "warehouse.duckdb"
    files: dict[str, Any] = {
        "warehouse.duckdb": {"bytes": warehouse.stat().st_size, "sha256": _sha256(warehouse)}
    }
    for path in sorted((staging / "parquet").rglob("*.parquet")):
        files[path.relative_to(staging).as_posix()] = {"bytes": path.stat().st_size, "sha256": _sha256(path)}
    found = manifests.sources(settings, publication.as_of_asked)
    newest = max((entry["fetched_at"] for entry in found.values()), default=None)
    return {
        "manifest_version": manifests.MANIFEST_VERSION,
        "version": publication.version,
        "fingerprint": publication.fingerprint,
        "fingerprint_parts": publication.fingerprint_parts,
        "built_at": publication.built_at,
        "as_of": publication.as_of_asked or newest,
        "as_of_asked": publication.as_of_asked,
        "mode": settings.sources,
        "municipalities": settings.municipality_scope or "all",
        "git_revision": manifests.git_revision(settings.project),
        "package_version": __version__,
        "duckdb_storage_version": STORAGE_VERSION,
        "stale": False,
        "stale_since": None,
        "stale_reason": None,
        "sources": found,
        "row_counts": {name: entry["rows"] for name, entry in tables.items()},
        "tables": tables,
        "files": files,
    }


def _describe(settings: Settings, staging: Path, body: dict[str, Any]) -> None:
    """Write the machine-readable metadata, and note its files in the manifest."""
    with connect(settings) as con:
        con.execute(f"attach '{_quoted(staging / 'warehouse.duckdb')}' as published (read_only)")
        metadata.write_metadata(settings, con, staging, body)
    for name in metadata.FILES:
        path = staging / name
        if path.is_file():
            body["files"][name] = {"bytes": path.stat().st_size, "sha256": _sha256(path)}


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@contextmanager
def _readable_errors(root: Path) -> Iterator[None]:
    """Turn faults of the disk and of DuckDB into a `PublishError` that says what to do."""
    try:
        yield
    except (OSError, duckdb.Error) as exc:
        text = str(exc)
        full = getattr(exc, "errno", None) in {errno.ENOSPC, errno.EDQUOT} or "No space left" in text
        denied = isinstance(exc, PermissionError) or "Permission denied" in text
        if full:
            action = "free space on the disk of AME_HOME, then run `ame run` again"
        elif denied:
            action = "give this user permission to write there, then run `ame run` again"
        elif isinstance(exc, duckdb.OutOfMemoryException):
            action = "raise AME_MEMORY_LIMIT, then run `ame run` again"
        else:
            action = "see the message, then run `ame run` again"
        raise PublishError(
            "the candidate could not be published; readers keep the version they have",
            expected="free space and permission to write in AME_HOME/published",
            found=f"{type(exc).__name__}: {text.splitlines()[0] if text else 'no message'}",
            source=str(getattr(exc, "filename", None) or root),
            action=action,
        ) from exc
