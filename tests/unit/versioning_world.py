"""The versioning models of the dbt project, run in DuckDB without dbt, and the same rules in plain Python.

The SQL is that of the project: the files are rendered once, `ref` and `source` become names of relations.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import jinja2

from ame_warehouse.landing.tables import fill
from ame_warehouse.settings import PROJECT_ROOT

DBT = PROJECT_ROOT / "dbt_project"
MODELS = (
    "staging/stg_kolada__measures",
    "staging/stg_kolada__observations",
    "intermediate/int_kolada__fetches",
    "intermediate/int_kolada__assertions",
    "intermediate/int_observations__versions",
)
START = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
TABLES = {
    "measures": {
        "fetch_id": "VARCHAR",
        "mode": "VARCHAR",
        "fetched_at": "TIMESTAMP",
        "retrieved_at": "TIMESTAMP",
        "vintage": "VARCHAR",
        "kpi_id": "VARCHAR",
        "outcome": "VARCHAR",
        "error": "VARCHAR",
        "content_fetch_id": "VARCHAR",
        "municipality_ids": "VARCHAR[]",
        "years": "INTEGER[]",
    },
    "observations": {
        "fetch_id": "VARCHAR",
        "kpi_id": "VARCHAR",
        "municipality_id": "VARCHAR",
        "year": "INTEGER",
        "gender": "VARCHAR",
        "value": "DOUBLE",
        "status": "VARCHAR",
        "is_deleted": "BOOLEAN",
        "value_issue": "VARCHAR",
        "raw_value": "VARCHAR",
        "object_sha256": "VARCHAR",
    },
    "stg_releases": {"quarantine_id": "VARCHAR", "value": "DOUBLE"},
    "stg_kolada__kpi_metadata": {
        "fetch_id": "VARCHAR",
        "kpi_id": "VARCHAR",
        "prel_publication_date": "DATE",
        "publication_date": "DATE",
        "publ_period": "VARCHAR",
    },
    "preliminary_rules": {"kpi_id": "VARCHAR", "final_month": "INTEGER", "final_day": "INTEGER"},
    "stg_kolada__catalogue": {"kpi_id": "VARCHAR", "measure_id": "VARCHAR"},
}

Cell = tuple[str, int, str]  # place, year, gender


@dataclass(frozen=True)
class Record:
    """What the source says of one cell."""

    value: float | None
    status: str = ""
    is_deleted: bool = False
    value_issue: str | None = None


@dataclass(frozen=True)
class Fetch:
    """One fetch of one KPI: when it knew, what it asked for (years None = all), what came."""

    day: int
    places: frozenset[str]
    years: frozenset[int] | None
    records: dict[Cell, Record] = field(default_factory=dict)
    outcome: str = "complete"
    preliminary_year: int | None = None

    @property
    def fetched_at(self) -> datetime:
        return START + timedelta(days=self.day)

    @property
    def is_usable(self) -> bool:
        return self.outcome in ("complete", "empty")

    def covers(self, cell: Cell) -> bool:
        place, year, _ = cell
        return place in self.places and (self.years is None or year in self.years)


Version = tuple[Any, ...]  # cell, valid_from, valid_to, value, reason, fetch number, preliminary


class Models:
    """The chain of models over tables that a test fills."""

    def __init__(self, mode: str = "live") -> None:
        self._mode = mode
        self.con = duckdb.connect(config={"threads": 1})
        for table, columns in TABLES.items():
            fill(self.con, table, [], columns)
        seed = DBT / "seeds" / "status_reasons.csv"
        self.con.execute(f"create temp table status_reasons as from read_csv('{seed}', all_varchar = true)")
        context = {
            "ref": lambda name: name,
            "source": lambda _source, name: name,
            "var": lambda name: {"ame_mode": mode, "ame_as_of": ""}[name],
        }
        macro = (DBT / "macros" / "quarantine.sql").read_text(encoding="utf-8")
        for model in MODELS:
            text = macro + (DBT / "models" / f"{model}.sql").read_text(encoding="utf-8")
            sql = jinja2.Template(text).render(context)
            self.con.execute(f"create temp view {model.split('/')[1]} as {sql}")

    def versions(self, sequences: list[list[Fetch]], *, reuse: bool = True) -> list[list[Version]]:
        """Return the versions of each sequence, sorted; every sequence is a KPI of its own.

        `reuse`: content that an earlier fetch of the same scope brought is not stored again.
        """
        rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
        for number, fetches in enumerate(sequences):
            self._fill(rows, f"K{number}", fetches, reuse)
        for table, columns in TABLES.items():
            self.con.execute(f"delete from {table}")
            named = [dict(zip(columns, row, strict=True)) for row in rows[table]]
            fill(self.con, table, named, columns)
        found_rows = self.con.execute(
            "select kpi_id, municipality_id, year, gender, valid_from, valid_to, value, missing_reason,"
            " split_part(fetch_id, '.', 2)::integer, is_preliminary from int_observations__versions"
            " order by all"
        ).fetchall()
        per_kpi: dict[str, list[Version]] = {f"K{number}": [] for number in range(len(sequences))}
        for row in found_rows:
            per_kpi[row[0]].append(row[1:])
        return [per_kpi[f"K{number}"] for number in range(len(sequences))]

    def _fill(
        self, rows: dict[str, list[tuple[Any, ...]]], kpi: str, fetches: list[Fetch], reuse: bool
    ) -> None:
        rows["stg_kolada__catalogue"].append((kpi, kpi.lower()))
        held: dict[Any, str] = {}
        for number, one in enumerate(fetches):
            own = f"{kpi}.{number:03d}"
            content = (one.places, one.years, tuple(sorted(one.records.items(), key=str)))
            holder = None
            if one.outcome == "complete":
                holder = held.setdefault(content, own) if reuse else own
                # what was held must have been known by then: a later vintage is no earlier content
                if reuse and fetches[int(holder.split(".")[1])].day > one.day:
                    holder = own
            if holder == own:
                rows["observations"] += [
                    (own, kpi, *cell, r.value, r.status, r.is_deleted, r.value_issue, None, None)
                    for cell, r in one.records.items()
                ]
            retrieved = START + timedelta(days=1000, minutes=number)
            scope = (sorted(one.places), None if one.years is None else sorted(one.years))
            rows["measures"].append(
                (own, self._mode, one.fetched_at, retrieved, "", kpi, one.outcome, None, holder, *scope)
            )
            if one.preliminary_year is not None:
                dates = [(one.fetched_at + timedelta(days=n)).date().isoformat() for n in (0, 1)]
                rows["stg_kolada__kpi_metadata"].append((own, kpi, *dates, str(one.preliminary_year)))
            else:  # dates that are over: nothing is preliminary
                past = ("2000-01-01", "2000-01-02", "1999")
                rows["stg_kolada__kpi_metadata"].append((own, kpi, *past))


def expected_versions(fetches: list[Fetch], mode: str = "live") -> list[Version]:
    """Return the versions as the rules say, cell by cell and fetch by fetch."""
    usable = sorted(
        ((one.day, number, one) for number, one in enumerate(fetches) if one.is_usable),
        key=lambda item: item[:2],
    )
    cells = {cell for _, _, one in usable for cell in one.records if one.outcome == "complete"}
    return sorted(
        (version for cell in cells for version in _of_cell(cell, usable, mode)),
        key=lambda row: row[:4],
    )


def _of_cell(cell: Cell, usable: list[tuple[int, int, Fetch]], mode: str) -> Iterator[Version]:
    said: list[tuple[int, int, Fetch, Record | None]] = []
    for day, number, one in usable:
        record = one.records.get(cell) if one.outcome == "complete" else None
        if record is not None or (said and one.covers(cell)):
            if said and said[-1][0] == day:
                said.pop()
            said.append((day, number, one, record))
    kept: list[list[Any]] = []
    before: tuple[Any, ...] | None = None
    had_value = False
    for _, number, one, record in said:
        value, reason, preliminary = _judged(record, one, cell[1], had_value=had_value)
        had_value = had_value or value is not None
        shown = value is not None and preliminary
        state = (value, reason, shown if mode == "live" else None)
        if state != before:
            if kept:
                kept[-1][4] = one.fetched_at
            kept.append([*cell, one.fetched_at, None, value, reason, number, shown])
        before = state
    yield from map(tuple, kept)


def _judged(
    record: Record | None, one: Fetch, year: int, *, had_value: bool
) -> tuple[float | None, str | None, bool]:
    if record is None:
        return None, "withdrawn" if had_value else "not_reported", False
    preliminary = one.preliminary_year is not None and year >= one.preliminary_year
    if record.is_deleted:
        return None, "withdrawn", preliminary
    if record.value is not None:
        return record.value, None, preliminary
    if record.value_issue is not None:
        return None, "not_loaded", preliminary
    status = {"Privacy": "suppressed", ".": "not_applicable"}.get(record.status)
    if status is not None:
        return None, status, preliminary
    return None, "withdrawn" if had_value else "not_reported", preliminary


def overlaps(versions: Iterable[Version]) -> list[Version]:
    """Return versions that do not end where the next of their cell begins."""
    wrong = []
    for _, group in itertools.groupby(versions, key=lambda row: row[:3]):
        rows = list(group)
        for now, after in itertools.pairwise(rows):
            if now[4] != after[3] or now[3] >= after[3]:
                wrong.append(now)
        if rows[-1][4] is not None:
            wrong.append(rows[-1])
    return wrong
