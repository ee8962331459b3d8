"""`quality.changes`: what a publication changed against the version that readers had before.

The comparison is that of `ame diff`. One row per publication, kind of change, source, measure (or group) and
field; earlier publications' rows are carried over. The first publication has none. Beside the candidate the
step leaves `<version>.changes.json` with the largest single changes: page and digest are made of it once the
version is published.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ame_warehouse.errors import AmeError
from ame_warehouse.history import diff
from ame_warehouse.pipeline.published import open_published, rows
from ame_warehouse.publish import manifest as manifests
from ame_warehouse.settings import Settings

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]
SHOWN_CELLS = 100
log = logging.getLogger(__name__)
DDL = """
create or replace table quality.changes (
    version varchar not null,
    version_before varchar not null,
    built_at timestamp not null,
    change varchar not null,
    source varchar not null,
    subject_id varchar not null,
    subject varchar,
    field varchar not null,
    n integer not null,
    n_municipalities integer not null,
    municipality_id varchar,
    municipality varchar,
    period varchar,
    gender varchar,
    value_before double,
    value_after double,
    difference double,
    difference_pct double,
    text_before varchar,
    text_after varchar,
    primary key (version, change, source, subject_id, field)
)
"""
COLUMNS = (
    "change",
    "source",
    "subject_id",
    "subject",
    "field",
    "n",
    "n_municipalities",
    "municipality_id",
    "municipality",
    "period",
    "gender",
    "value_before",
    "value_after",
    "difference",
    "difference_pct",
    "text_before",
    "text_after",
)
SUMMED_SQL = """
with keyed as (
    select *, coalesce(source, '') as of_source, coalesce(measure_id, group_id) as subject_id
    from changed
)
select
    change,
    of_source as source,
    subject_id,
    measure as subject,
    field,
    (count(*) over subject)::integer as n,
    (count(distinct municipality_id) over subject)::integer as n_municipalities,
    municipality_id,
    municipality,
    period,
    gender,
    value_before,
    value_after,
    difference,
    difference_pct,
    "before" as text_before,
    "after" as text_after
from keyed
window subject as (partition by change, of_source, subject_id, field)
qualify
    row_number() over (
        partition by change, of_source, subject_id, field
        order by abs(difference) desc nulls last, municipality_id, period, gender
    ) = 1
order by change, of_source, subject_id, field
"""
CELLS_SQL = f"""
select {diff.LISTED}
from changed
qualify row_number() over (
    partition by change order by abs(difference_pct) desc nulls last, {diff.ORDER}
) <= {SHOWN_CELLS}
order by {diff.ORDER}
"""  # noqa: S608
SAID_SQL = """
select * from quality.changes where version = $version order by change, source, subject_id, field
"""
CARRY_SQL = """
insert into quality.changes by name
select * from {db}.quality.changes where version <> $version
"""


def details_path(settings: Settings, version: str) -> Path:
    """Return the file beside the candidate that holds what its publication will have changed."""
    return settings.build / f"{version}.changes.json"


def collect(settings: Settings, version: str, candidate: Path, built_at: str) -> Row | None:
    """Compare the candidate with the published version and keep the result beside it.

    Returns {"version", "version_before", "built_at", "rows": [COLUMNS], "cells": [diff.COLUMNS]}; None for a
    first publication. A comparison that cannot be made (a published file of another shape) is logged and has
    no rows: it must not hold up a publication. When the version itself is published already (the step is
    repeated), what was said then stands.
    """
    before = _published(settings)
    if before is not None and before.name == version:
        return said(settings, version)
    path = details_path(settings, version)
    path.unlink(missing_ok=True)
    if before is None:
        return None
    after = diff.State(version, candidate, None, None)
    record: Row = {
        "version": version,
        "version_before": before.name,
        "built_at": built_at,
        "rows": [],
        "cells": [],
    }
    try:
        with diff.changed(settings, before, after) as (con, _):
            record["rows"] = rows(con, SUMMED_SQL)
            record["cells"] = rows(con, CELLS_SQL)
    except AmeError as exc:
        log.warning("what changes against %s cannot be said: %s", before.name, exc)
    if record["rows"]:
        path.write_text(json.dumps(record, ensure_ascii=False, default=str), encoding="utf-8")
    return record


def said(settings: Settings, version: str) -> Row | None:
    """Return what the published file says that its own version changed; None when it changed nothing."""
    import duckdb

    try:
        with open_published(settings) as con:
            found = rows(con, SAID_SQL, {"version": version})
    except (AmeError, duckdb.Error) as exc:
        log.warning("what %s changed is lost: %s", version, exc)
        return None
    if not found:
        return None
    return {
        "version": version,
        "version_before": found[0]["version_before"],
        "built_at": f"{found[0]['built_at']:%Y-%m-%dT%H:%M:%SZ}",
        "rows": [{name: row[name] for name in COLUMNS} for row in found],
        "cells": [],
    }


def write(con: duckdb.DuckDBPyConnection, settings: Settings, record: Row | None) -> None:
    """Write `quality.changes` (made anew) on a connection to the candidate."""
    con.execute("create schema if not exists quality")
    con.execute(DDL)
    if record is None:
        return
    _carry_over(con, settings, record["version"])
    fixed = [record["version"], record["version_before"], record["built_at"].rstrip("Z")]
    values = [[*fixed, *(row[name] for name in COLUMNS)] for row in record["rows"]]
    if values:
        marks = ", ".join("?" * (len(fixed) + len(COLUMNS)))
        con.executemany(f"insert into quality.changes values ({marks})", values)  # noqa: S608


def _carry_over(con: duckdb.DuckDBPyConnection, settings: Settings, version: str) -> None:
    """Take over what earlier publications changed; a version of before this table has none."""
    import duckdb

    path = str(settings.published / "warehouse.duckdb").replace("'", "''")
    try:
        con.execute(f"attach '{path}' as changes_before (read_only)")
    except duckdb.Error as exc:
        log.warning("what earlier publications changed is lost: %s", exc)
        return
    try:
        there = con.execute(
            "select count(*) from duckdb_tables() where database_name = 'changes_before' "
            "and schema_name = 'quality' and table_name = 'changes'"
        ).fetchone()
        if there != (0,):
            con.execute(CARRY_SQL.format(db="changes_before"), {"version": version})
    finally:
        con.execute("detach changes_before")


def _published(settings: Settings) -> diff.State | None:
    """Return the published version as a state; None when there is none of this mode."""
    manifest = manifests.read_manifest(settings)
    path = settings.published / "warehouse.duckdb"
    if manifest is None or not path.is_file() or manifest.get("mode", settings.sources) != settings.sources:
        return None
    return diff.State(str(manifest.get("version")), path, None, manifest.get("as_of"))
