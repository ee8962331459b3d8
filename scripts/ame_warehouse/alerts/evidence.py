"""What stands behind an incident: the last result and its failing rows, with place, year and fetch."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ame_warehouse.errors import AmeError
from ame_warehouse.quality import data_docs
from ame_warehouse.quality.incident import Incident
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.quality.results import RunState, failing_table, figure
from ame_warehouse.settings import Settings

if TYPE_CHECKING:
    import duckdb

MAX_ROWS = 1_000
MEASURE_COLUMNS = ("measure_id", "composition_id", "kpi_id", "referral_source", "dataset")
PERIOD_COLUMNS = ("year", "month", "period")
FETCH_COLUMNS = ("fetched_at", "retrieved_at")
SHOWN_ELSEWHERE = {
    *MEASURE_COLUMNS,
    *PERIOD_COLUMNS,
    *FETCH_COLUMNS,
    "municipality_id",
    "municipality",
    "label",
    "row_key",
    "value_or_reason",
    "incident_scope",
    "value_found",
    "reason",
    "source",
    "expected",
    "found",
    "fetch_id",
    "origin",
}
WORDS = {
    "not_reported": "i.u. (not_reported)",
    "last_reported_year": "last reported",
    "missing_reason": "missing:",
    "first_seen_at": "first seen",
}


@dataclass(frozen=True)
class Place:
    """One failing row as a reader needs it; empty text where the row does not tell."""

    municipality: str = ""
    measure: str = ""
    year: str = ""
    expected: str = ""
    found: str = ""
    fetched: str = ""
    effect: str = ""


@dataclass(frozen=True)
class Evidence:
    """What is known of an incident: expected and found by the check, failing rows and where they stand."""

    expected: str = ""
    found: str = ""
    run_id: str = ""
    file: Path | None = None
    table: str = ""
    fetched: str = ""
    page: Path | None = None
    places: list[Place] = field(default_factory=list)


def evidence(settings: Settings, incident: Incident) -> Evidence:
    """Return what is known of an incident; less, never an error, when files are gone or busy."""
    run_id, page = _last_run(settings, incident), None
    expected, found = said_in(incident.summary)
    table = f"quality.{failing_table(incident.check_id)}"
    with suppress(AmeError):
        for result in RunState.load(settings.build / f"{run_id}.results.json").results:
            if result.check_id == incident.check_id:
                expected = result.expected
                found = result.found_of(incident.scope)
                table = result.failing_rows_table or table
                page = _page(settings, result.docs_page)
    for path in (settings.build / f"{run_id}.duckdb", settings.published / "warehouse.duckdb"):
        rows, fetched = _read(path, table, run_id)
        if rows is not None:
            places = [_place(row, expected, found, fetched) for row in of_scope(rows, incident.scope)]
            return Evidence(expected, found, run_id, path, table, fetched.get("", ""), page, places)
    return Evidence(expected, found, run_id, page=page)


def _page(settings: Settings, name: str | None) -> Path | None:
    """Return the page of the Data Docs when it is still there."""
    path = data_docs.folder(settings) / (name or "")
    return path.resolve() if path.is_file() else None


def failing_rows(settings: Settings, incident: Incident) -> tuple[Path, str, list[dict[str, Any]]] | None:
    """Return file, table and failing rows of an incident; None when there are none to be found."""
    known = evidence(settings, incident)
    if known.file is None:
        return None
    rows, _ = _read(known.file, known.table, known.run_id)
    return known.file, known.table, of_scope(rows or [], incident.scope)


def of_scope(rows: list[dict[str, Any]], scope: str) -> list[dict[str, Any]]:
    """Return the rows in which the scope of an incident stands; all rows when it stands in none."""
    return [row for row in rows if scope and scope in row.values()] or rows


def said_in(summary: str) -> tuple[str, str]:
    """Return what the summary of an incident says was expected and found."""
    match = re.search(r"Expected (.*?); found (.*?)\.?$", summary, re.DOTALL)
    return (match[1], match[2]) if match else ("", "")


def found_in(summary: str) -> str:
    """Return what the summary of an incident says was found, for a line of its own; else all of it."""
    return said_in(summary)[1] or summary


def _last_run(settings: Settings, incident: Incident) -> str:
    with suppress(AmeError):
        runs = [event["run_id"] for event in IncidentStore(settings).history(incident.incident_id)]
        return next((run for run in reversed(runs) if run), "")
    return ""


def _read(path: Path, table: str, run_id: str) -> tuple[list[dict[str, Any]] | None, dict[str, str]]:
    """Return the rows of the table and the fetch dates; None when file or table cannot be read here."""
    import duckdb

    if not path.is_file():
        return None, {}
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            if not path.name.startswith(run_id) and not _is_of(con, run_id):
                return None, {}
            schema, name = table.split(".", 1)
            rows = _rows(con, f'select * from "{schema}"."{name}" limit {MAX_ROWS}')  # noqa: S608
            with suppress(duckdb.Error):
                return rows, _fetch_dates(con, rows)
            return rows, {}
    except duckdb.Error:
        return None, {}


def _is_of(con: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """True when the published file is the version of that run: its failing rows are those of the incident."""
    row = con.execute("select count(*) from quality.check_results where run_id = ?", [run_id]).fetchone()
    return bool(row and row[0])


def _rows(con: duckdb.DuckDBPyConnection, sql: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
    cursor = con.execute(sql, values or [])
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _fetch_dates(con: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return `source, fetched date` for the places of the rows ("id year"), and of all sources ("")."""
    newest = _rows(
        con, "select source, max(fetched_at) as at from marts.observations group by source order by source"
    )
    dates = {"": "; ".join(f"{row['source']}, fetched {_text(row['at'])}" for row in newest)}
    ids = sorted({str(row["municipality_id"]) for row in rows if row.get("municipality_id")})
    if ids:
        for row in _rows(
            con,
            "select municipality_id, measure_id, year, source, max(fetched_at) as at from marts.observations "
            "where list_contains(?, municipality_id) group by all",
            [ids],
        ):
            text = f"{row['source']}, fetched {_text(row['at'])}"
            dates[f"{row['municipality_id']} {row['measure_id']} {row['year']}"] = text
            dates.setdefault(f"{row['municipality_id']}  {row['year']}", text)
    return dates


def _place(row: dict[str, Any], expected: str, found: str, dates: dict[str, str]) -> Place:
    column, value = _named(row, found)
    where, measure, year = _about(row)
    code, measure, rest = row.get("municipality_id"), measure or column, _rest(row, column)
    at = next((_text(row[c]) for c in FETCH_COLUMNS if row.get(c) is not None), "")
    looked_up = (f"{code} {measure} {year}", f"{code}  {year}", "")
    fetched = (
        f"{row.get('source') or ''}, fetched {at}".lstrip(", ")
        if at
        else next((dates[key] for key in looked_up if dates.get(key)), "")
    )
    return Place(
        where,
        measure,
        year,
        str(row.get("expected") or expected),
        str(row.get("found") or "; ".join([*([value] if value else []), *rest[:6]])),
        fetched,
        _effect(row),
    )


def _about(row: dict[str, Any]) -> tuple[str, str, str]:
    """Return municipality and code, measure, and year or month of a row; empty text where it has none."""
    code, name = row.get("municipality_id"), row.get("municipality")
    where = f"{name} ({code})" if name and code else str(code or name or "")
    measure = next((str(row[c]) for c in MEASURE_COLUMNS if row.get(c)), "")
    return where, measure, next((_text(row[c])[:7] for c in PERIOD_COLUMNS if row.get(c) is not None), "")


def _rest(row: dict[str, Any], column: str = "") -> list[str]:
    """Return what else a row says, in words."""
    return [
        f"{WORDS.get(key, key)} {WORDS.get(_text(cell), _text(cell))}"
        for key, cell in row.items()
        if key not in (*SHOWN_ELSEWHERE, column) and _text(cell) not in ("", "nan", "None")
    ]


def as_seen(row: dict[str, Any]) -> dict[str, str]:
    """Return a failing row for a person: place, measure, year, expected, found, and what else it says."""
    where, measure, year = _about(row)
    return {
        "municipality": where,
        "measure": measure,
        "year": year,
        "expected": str(row.get("expected") or ""),
        "found": str(row.get("found") or row.get("value_found") or ""),
        "also": ", ".join(_rest(row)),
    }


def _named(row: dict[str, Any], found: str) -> tuple[str, str]:
    """Return column and value that the check itself names for this row ("Härryda 2020: 108.0 %")."""
    label = str(row.get("label") or "")
    _, known, after = found.partition(f"{label}: ") if label else ("", "", "")
    value = after.split(";")[0].removesuffix(" …").strip() if known else ""
    looked_at = str(row.get("value_found") or "").split(" ")[0]
    cells = ((name, cell) for name, cell in row.items() if name != "value_found")
    named = (name for name, cell in cells if value in (str(cell), _text(cell)))
    column = looked_at if looked_at in row else next(named, "") if value else ""
    if column:
        value = f"{column} {_text(row[column])}"
    return ("" if column in SHOWN_ELSEWHERE else column), value


def _effect(row: dict[str, Any]) -> str:
    """Return what a reader meets at this row: a gap, a fallback, or the value as delivered."""
    reason = row.get("missing_reason")
    if reason:
        return f"a gap, shown as {WORDS.get(str(reason), str(reason))}"
    if row.get("composition_status") not in (None, "complete"):
        return "the shares as delivered; comparisons fall back to the nearest earlier complete year"
    return ""


def _text(value: Any) -> str:
    if isinstance(value, float):
        return figure(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return value.isoformat() if isinstance(value, date) else str(value)
