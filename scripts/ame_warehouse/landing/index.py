"""What earlier fetches brought, read from the parsed observations."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ame_warehouse.landing.tables import connect, timestamp
from ame_warehouse.settings import Settings

MEASURES = "measures.parquet"
OBSERVATIONS = "observations.parquet"
FETCHES = "fetches.json"  # in a directory of merged fetches: whose rows it holds


def fetch_dir(observations: Path, fetch_id: str, source: str = "kolada") -> Path:
    """Return where the parsed files of a fetch stand."""
    return observations / f"source={source}" / f"fetch={fetch_id}"


def parsed_directories(observations: Path, source: str = "kolada") -> dict[Path, list[str]]:
    """Return the directories of parsed fetches with the ids whose rows each holds: one, or many merged."""
    found = {}
    for path in observations.glob(f"source={source}/fetch=*/{MEASURES}"):
        named = path.with_name(FETCHES)
        own = [path.parent.name.removeprefix("fetch=")]
        found[path.parent] = json.loads(named.read_text(encoding="utf-8")) if named.exists() else own
    return found


def parsed_fetch_ids(observations: Path, source: str = "kolada") -> list[str]:
    """Return the ids of the parsed fetches, oldest first."""
    return sorted(fetch_id for held in parsed_directories(observations, source).values() for fetch_id in held)


def _files(observations: Path, fetch_ids: Iterable[str], name: str) -> list[str]:
    """Return the files that hold the rows of these fetches (and of those merged with them)."""
    wanted = set(fetch_ids)
    held = parsed_directories(observations).items()
    return sorted(str(path / name) for path, ids in held if not wanted.isdisjoint(ids))


class Held:
    """The cells for which we hold a value: place and years of each KPI."""

    def __init__(self, cells: dict[str, dict[str, set[int]]]) -> None:
        self._cells = cells

    def lacking(
        self,
        kpi_id: str,
        municipality_ids: Sequence[str],
        years: Sequence[int] | None,
        answered: Collection[tuple[str, int]] = (),
    ) -> tuple[str, int] | None:
        """Return (municipality, year) of a held value in scope that is not among the answered cells."""
        places = self._cells.get(kpi_id, {})
        for place in municipality_ids:
            for year in sorted(places.get(place, ()), reverse=True):
                if (years is None or year in years) and (place, year) not in answered:
                    return place, year
        return None


def held_values(settings: Settings, mode: str, known_by: datetime, kpi_ids: Sequence[str]) -> Held:
    """Return the cells whose newest version, known by a moment (UTC), has a value; of one mode.

    Of several answers to the same question only the newest counts: what it lacks is gone.
    """
    fetches = parsed_fetch_ids(settings.observations)
    if not fetches:
        return Held({})
    connection = connect(settings.memory_limit)
    try:
        connection.execute(
            """
            create temp table contents as
            select kpi_id, content_fetch_id, place_in_time
            from (
                select *, dense_rank() over (order by fetched_at, fetch_id) as place_in_time
                from read_parquet($files)
                where mode = $mode and fetched_at <= $known_by
            )
            where outcome = 'complete' and list_contains($kpis, kpi_id)
            qualify
                row_number() over (
                    partition by kpi_id, municipality_ids, years order by place_in_time desc
                ) = 1
            """,
            {
                "files": _files(settings.observations, fetches, MEASURES),
                "mode": mode,
                "known_by": known_by.replace(tzinfo=None),
                "kpis": list(kpi_ids),
            },
        )
        holders = [
            row[0] for row in connection.execute("select distinct content_fetch_id from contents").fetchall()
        ]
        if not holders:
            return Held({})
        rows = connection.execute(
            """
            with cells as (
                select o.kpi_id, o.municipality_id, o.year, o.gender,
                    arg_max(o.value is not null and not o.is_deleted, c.place_in_time) as has_value
                from read_parquet($files) as o
                inner join contents as c on o.kpi_id = c.kpi_id and o.fetch_id = c.content_fetch_id
                group by all
            )
            select kpi_id, municipality_id, list(distinct year) from cells where has_value group by all
            """,
            {"files": _files(settings.observations, sorted(holders), OBSERVATIONS)},
        ).fetchall()
    finally:
        connection.close()
    cells: dict[str, dict[str, set[int]]] = {}
    for kpi_id, municipality_id, years in rows:
        cells.setdefault(kpi_id, {})[municipality_id] = set(years)
    return Held(cells)


def earlier_contents(observations: Path, fetch: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return {(kpi_id, content_sha256): fetch that holds the rows}, of earlier fetches of the same scope.

    Earlier means: made before this fetch and known no later than it, so that the answer never changes
    afterwards. Scope means: the same mode, places and years.
    """
    fetch_id = fetch["fetch_id"]
    fetches = [other for other in parsed_fetch_ids(observations) if other < fetch_id]
    if not fetches:
        return {}
    connection = connect()
    try:
        rows = connection.execute(
            """
            select kpi_id, content_sha256, content_fetch_id
            from read_parquet($files)
            where
                mode = $mode and fetched_at <= $fetched_at and outcome = 'complete'
                and municipality_ids = $places::varchar[] and years is not distinct from $years::integer[]
            order by fetched_at, fetch_id
            """,
            {
                "files": _files(observations, fetches, MEASURES),
                "mode": fetch["mode"],
                "fetched_at": timestamp(fetch["fetched_at"]),
                "places": fetch["municipality_ids"],
                "years": fetch["years"],
            },
        ).fetchall()
    finally:
        connection.close()
    return {(kpi_id, content): holder for kpi_id, content, holder in rows}
