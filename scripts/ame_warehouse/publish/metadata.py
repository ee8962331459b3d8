"""The metadata of a publication for programs: `datapackage.json` and `dcat.jsonld` beside the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.dictionary.entries import TableEntry
from ame_warehouse.dictionary.project import seeds
from ame_warehouse.dictionary.table import describe
from ame_warehouse.publish.datapackage import data_package
from ame_warehouse.publish.dcat import Catalogue, Periods
from ame_warehouse.publish.manifest import write_json
from ame_warehouse.settings import Settings

FILES = ("datapackage.json", "dcat.jsonld")


def write_metadata(
    settings: Settings, con: duckdb.DuckDBPyConnection, folder: Path, manifest: dict[str, Any]
) -> None:
    """Write both files into `folder`; nothing without a dbt project.

    `con` has the new file attached as `published`; `manifest` has the tables and the hashes of files.
    """
    tables = describe(con, settings, "published")
    if not tables:
        return
    known = seeds(settings)
    write_json(folder / "datapackage.json", data_package(manifest, tables, known))
    body = Catalogue(settings, manifest, tables, _periods(con, tables), known).document()
    write_json(folder / "dcat.jsonld", body)


def _periods(con: duckdb.DuckDBPyConnection, tables: list[TableEntry]) -> Periods:
    """Return the first and the last day that the rows of each table refer to, by its month or year."""
    found: Periods = {}
    for table in tables:
        columns = {entry.column for entry in table.columns}
        if "month" in columns:
            picked = "min(month)::varchar, last_day(max(month))::varchar"
        elif "year" in columns:
            picked = "min(year)::varchar || '-01-01', max(year)::varchar || '-12-31'"
        else:
            continue
        row = con.execute(f'select {picked} from published.{table.schema}."{table.name}"').fetchone()  # noqa: S608
        if row and row[0]:
            found[table.full_name] = (row[0], row[1])
    return found
