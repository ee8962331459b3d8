"""Landing → observations: every number of a fetch as one row, the same rows whenever it is read again."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.errors import LandingError
from ame_warehouse.landing import metadata
from ame_warehouse.landing.cells import make_cells
from ame_warehouse.landing.findings import Findings, cell_findings, fetch_findings
from ame_warehouse.landing.group_values import group_value_rows
from ame_warehouse.landing.index import earlier_contents, fetch_dir, parsed_fetch_ids
from ame_warehouse.landing.pages import load_cells
from ame_warehouse.landing.schema import SORT, TABLES
from ame_warehouse.landing.store import Objects, fetch_ids, read_fetch
from ame_warehouse.landing.tables import connect, fill, timestamp, write_parquet
from ame_warehouse.settings import Settings

SCRATCH = ".scratch"


def parse_missing(settings: Settings, besides: Collection[str | None] = ()) -> list[str]:
    """Parse the finished fetches without parsed files (but for some), oldest first; return their ids."""
    done = {*parsed_fetch_ids(settings.observations), *besides}
    missing = [fetch_id for fetch_id in fetch_ids(settings.landing) if fetch_id not in done]
    for fetch_id in missing:
        parse_fetch(settings, fetch_id)
    return missing


def parse_fetch(settings: Settings, fetch_id: str) -> dict[str, int]:
    """Write the parsed files of one finished fetch.

    Returns {"observations": rows written, "unchanged": measures whose content an earlier fetch holds,
    "findings": rows}. Raises `LandingError` when the landing is damaged or the files cannot be written.
    """
    fetch = read_fetch(settings.landing, fetch_id)
    root = settings.observations
    final = fetch_dir(root, fetch_id)
    staged = final.with_name(f".partial-{fetch_id}")
    try:
        _remove(staged)
        (staged / SCRATCH).mkdir(parents=True)
    except OSError as exc:
        raise _cannot_write(staged, exc) from exc
    connection = connect(settings.memory_limit)
    try:
        connection.execute(
            f"set temp_directory = '{str(staged / SCRATCH / 'spill').replace(chr(39), chr(39) * 2)}'"
        )
        result = _parse(settings, fetch, connection, staged, earlier_contents(root, fetch))
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as exc:
        raise _cannot_write(staged, exc) from exc
    finally:
        connection.close()
        shutil.rmtree(staged / SCRATCH, ignore_errors=True)
    try:
        _remove(final)
        staged.rename(final)
    except OSError as exc:
        raise _cannot_write(final, exc) from exc
    return result


def _parse(
    settings: Settings,
    fetch: dict[str, Any],
    connection: duckdb.DuckDBPyConnection,
    staged: Path,
    earlier: dict[tuple[str, str], str],
) -> dict[str, int]:
    objects = Objects(settings.landing)
    findings = Findings(fetch)
    checksums = list(dict.fromkeys(sha for one in fetch["sets"] for sha in one["objects"]))
    oddities = load_cells(connection, objects, checksums, fetch["odd_objects"], staged / SCRATCH)
    make_cells(connection, fetch, checksums)
    cell_findings(connection, findings, oddities, fetch)
    fetch_findings(findings, fetch)
    contents = _contents(connection)
    measures = _measures(fetch, contents, earlier)
    fill(connection, "measures", measures)
    fill(connection, "kpi_metadata", metadata.kpi_rows(settings, fetch, objects, findings))
    fill(connection, "places", metadata.place_rows(settings, fetch, objects, findings))
    fill(connection, "groups", metadata.group_rows(settings, fetch, objects, findings))
    fill(connection, "group_values", group_value_rows(fetch, objects))
    fill(connection, "findings", findings.rows)
    connection.execute(
        """
        create temp view observations as
        select m.fetch_id, c.kpi_id, c.municipality_id, c.year, c.gender, c.value, c.status, c.is_deleted,
            c.member_count, c.raw_value, c.value_issue, p.object_sha256
        from cells as c
        inner join measures as m on c.kpi_id = m.kpi_id and m.content_fetch_id = m.fetch_id
        inner join pages as p on c.page_no = p.page_no
        """
    )
    for table in TABLES:
        write_parquet(connection, table, SORT[table], staged / f"{table}.parquet")
    row = connection.execute("select count(*) from observations").fetchone()
    own = fetch["fetch_id"]
    return {
        "observations": int(row[0]) if row else 0,
        "unchanged": sum(1 for one in measures if one["content_fetch_id"] not in (None, own)),
        "findings": len(findings.rows),
    }


def _contents(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, int]]:
    """Return {kpi_id: (sha256 over its sorted rows, number of values)}."""
    rows = connection.execute(
        """
        select kpi_id,
            sha256(string_agg(
                concat(
                    municipality_id, '|', year, '|', gender, '|', value, '|', coalesce('s' || status, ''),
                    '|', is_deleted, '|', member_count, '|', raw_value, '|', value_issue
                ),
                chr(10) order by municipality_id, year, gender
            )),
            count(value)
        from cells group by kpi_id
        """
    ).fetchall()
    return {kpi: (content, number) for kpi, content, number in rows}


def _measures(
    fetch: dict[str, Any], contents: dict[str, tuple[str, int]], earlier: dict[tuple[str, str], str]
) -> list[dict[str, Any]]:
    own = fetch["fetch_id"]
    rows = []
    for one in fetch["measures"]:
        content, number = contents.get(one["kpi_id"], (None, 0))
        rows.append(
            {
                "fetch_id": own,
                "source": fetch["source"],
                "mode": fetch["mode"],
                "fetched_at": timestamp(fetch["fetched_at"]),
                "retrieved_at": timestamp(fetch["started_at"]),
                "vintage": fetch["vintage"] or fetch["fetched_at"][:10],
                "kpi_id": one["kpi_id"],
                "outcome": one["outcome"],
                "error": one["error"],
                "n_records": one["n_records"],
                "n_values": number,
                "content_sha256": content,
                "content_fetch_id": None if content is None else earlier.get((one["kpi_id"], content), own),
                "municipality_ids": fetch["municipality_ids"],
                "years": fetch["years"],
            }
        )
    return rows


def summary(settings: Settings, fetch_id: str) -> dict[str, int]:
    """Return the same figures as `parse_fetch` for a fetch that is parsed already."""
    folder = fetch_dir(settings.observations, fetch_id)
    connection = connect()
    try:
        row = connection.execute(
            """
            select
                (select count(*) from read_parquet($observations)),
                (select count(*) from read_parquet($measures) where content_fetch_id <> fetch_id),
                (select count(*) from read_parquet($findings))
            """,
            {name: str(folder / f"{name}.parquet") for name in ("observations", "measures", "findings")},
        ).fetchone()
    finally:
        connection.close()
    observations, unchanged, findings = row or (0, 0, 0)
    return {"observations": observations, "unchanged": unchanged, "findings": findings}


def parse_fetches(settings: Settings, wanted: Sequence[str]) -> dict[str, int]:
    """Parse the wanted fetches and all not parsed yet; return the summed figures of the wanted ones."""
    known = set(fetch_ids(settings.landing))
    unknown = [fetch_id for fetch_id in wanted if fetch_id not in known]
    if unknown:
        raise LandingError(
            "a fetch to be parsed is not in the landing",
            expected="the id of a finished fetch",
            found=", ".join(unknown),
            source=str(settings.landing / "kolada"),
            action="run the fetch again",
        )
    parse_missing(settings)
    total = {"observations": 0, "unchanged": 0, "findings": 0}
    for fetch_id in wanted:
        for name, number in summary(settings, fetch_id).items():
            total[name] += number
    return total


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)


def _cannot_write(path: Path, exc: Exception) -> LandingError:
    found = exc.strerror if isinstance(exc, OSError) else None
    return LandingError(
        "the parsed observations cannot be written",
        expected="a writable directory with free space, and memory as AME_MEMORY_LIMIT says",
        found=found or str(exc),
        source=str(path),
        action="free space, correct the permissions of AME_HOME or raise AME_MEMORY_LIMIT, then run again; "
        "the landing is whole",
    )
