"""What a fetch brought that nobody expected: counted and shown by example, never one row per value."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb

from ame_warehouse.landing.tables import timestamp
from ame_warehouse.landing.tolerant import KNOWN_STATUS, Oddity

PER_GROUP = 100  # rows of one kind for one KPI that are listed; the rest is counted


class Findings:
    """Collects the rows of findings.parquet."""

    def __init__(self, fetch: dict[str, Any]) -> None:
        self._base = {"fetch_id": fetch["fetch_id"], "fetched_at": timestamp(fetch["fetched_at"])}
        self.rows: list[dict[str, Any]] = []

    def add(
        self,
        kind: str,
        severity: str,
        *,
        expected: str,
        found: str,
        detail: str | None = None,
        kpi_id: str | None = None,
        municipality_id: str | None = None,
        year: int | None = None,
        gender: str | None = None,
    ) -> None:
        """Add one finding."""
        self.rows.append(
            {
                **self._base,
                "kind": kind,
                "severity": severity,
                "kpi_id": kpi_id,
                "municipality_id": municipality_id,
                "year": year,
                "gender": gender,
                "expected": expected,
                "found": found,
                "detail": detail,
            }
        )


def fetch_findings(findings: Findings, fetch: dict[str, Any]) -> None:
    """Add what the fetch itself noticed: measures that failed, pages asked for twice, parts that lack."""
    for one in fetch["measures"]:
        if one["outcome"] == "unknown_id":
            findings.add(
                "unknown_id",
                "warning",
                kpi_id=one["kpi_id"],
                expected="a KPI of the source's catalogue",
                found="the source does not know this id",
                detail=one["error"],
            )
        elif one["outcome"] == "failed":
            findings.add(
                "fetch_failed",
                "warning",
                kpi_id=one["kpi_id"],
                expected="a complete answer",
                found="no complete answer",
                detail=one["error"],
            )
    for note in fetch["findings"]:
        findings.add(**note)


def cell_findings(
    connection: duckdb.DuckDBPyConnection,
    findings: Findings,
    oddities: list[Oddity],
    fetch: dict[str, Any],
) -> None:
    """Add what stands in the records: odd values, unknown statuses, duplicates, rows nobody asked for."""
    _oddities(findings, oddities)
    _odd_numbers(connection, findings)
    _statuses(connection, findings)
    _duplicates(connection, findings)
    _strangers(connection, findings, fetch)


def _oddities(findings: Findings, oddities: list[Oddity]) -> None:
    grouped: dict[tuple[str | int | None, ...], list[Oddity]] = {}
    for odd in oddities:
        key = (odd.kind, odd.severity, odd.kpi_id, odd.expected, odd.found)
        grouped.setdefault(key, []).append(odd)
    for group in grouped.values():
        whole_kpi = all(odd.municipality_id is None and odd.year is None for odd in group)
        keyed = group[0].expected.startswith(("a record with", "gender", "a value", "a record"))
        shown = group[:1] if whole_kpi and not keyed else group[:PER_GROUP]
        for odd in shown:
            times = (
                f"{len(group)} times, for example {odd.detail}"
                if len(shown) == 1 and len(group) > 1
                else None
            )
            findings.add(
                odd.kind,
                odd.severity,
                kpi_id=odd.kpi_id,
                municipality_id=odd.municipality_id,
                year=odd.year,
                gender=odd.gender,
                expected=odd.expected,
                found=odd.found,
                detail=times or odd.detail,
            )
        if len(group) > len(shown) > 1:
            first = group[0]
            findings.add(
                first.kind,
                first.severity,
                kpi_id=first.kpi_id,
                expected=first.expected,
                found=f"{first.found}: {len(group) - len(shown)} more",
            )


def _odd_numbers(connection: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    rows = connection.execute(
        """
        select kpi_id, value_issue, municipality_id, year, gender, raw_value,
            count(*) over (partition by kpi_id, value_issue) as n
        from scoped where value_issue is not null
        qualify row_number() over (
            partition by kpi_id, value_issue order by municipality_id, year, gender, raw_value
        ) <= ?
        order by all
        """,
        [PER_GROUP],
    ).fetchall()
    for kpi_id, issue, place, year, gender, raw, number in rows:
        used = issue == "number_as_text"
        findings.add(
            "odd_value",
            "info" if used else "warning",
            kpi_id=kpi_id,
            municipality_id=place,
            year=year,
            gender=gender,
            expected="a number or null",
            found=str(raw)[:200],
            detail=f"{issue}; {'the value is used' if used else 'no value'}; {number} such of this KPI",
        )


def _statuses(connection: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    rows = connection.execute(
        """
        select kpi_id, status, count(*), count(value),
            list(distinct municipality_id || ' ' || year order by municipality_id || ' ' || year)[1:5]
        from scoped where status is null or not list_contains(?, status)
        group by kpi_id, status order by all
        """,
        [list(KNOWN_STATUS)],
    ).fetchall()
    for kpi_id, status, number, values, examples in rows:
        findings.add(
            "unknown_status",
            "warning" if status is not None else "info",
            kpi_id=kpi_id,
            expected=", ".join(repr(known) for known in KNOWN_STATUS),
            found="no status" if status is None else status[:200],
            detail=f"{number} values, {values} with a number; for example {', '.join(examples)}",
        )


def _duplicates(connection: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    rows = connection.execute(
        "select kpi_id, municipality_id, year, gender, n from duplicates order by all"
    ).fetchall()
    per_kpi = Counter(row[0] for row in rows)
    listed: Counter[str] = Counter()
    for kpi_id, place, year, gender, number in rows:
        listed[kpi_id] += 1
        if listed[kpi_id] > PER_GROUP:
            continue
        findings.add(
            "duplicate_record",
            "info",
            kpi_id=kpi_id,
            municipality_id=place,
            year=year,
            gender=gender,
            expected="one record",
            found=f"{number} records that say the same",
            detail=f"{per_kpi[kpi_id]} such cells of this KPI in this fetch",
        )


def _strangers(connection: duckdb.DuckDBPyConnection, findings: Findings, fetch: dict[str, Any]) -> None:
    """Rows that were not asked for: dropped, and counted here."""
    asked_kpis = sorted({kpi for one in fetch["sets"] for kpi in one["kpi_ids"]})
    rows = connection.execute(
        """
        select kpi_id, list_contains(?, kpi_id) as is_asked, count(*), count(distinct municipality_id),
            list(distinct municipality_id order by municipality_id)[1:5],
            list(distinct year order by year)[1:5]
        from strangers group by kpi_id order by kpi_id
        """,
        [asked_kpis],
    ).fetchall()
    for kpi_id, is_asked, number, n_places, places, years in rows:
        findings.add(
            "unexpected_place" if is_asked else "unknown_id",
            "info" if is_asked else "warning",
            kpi_id=kpi_id,
            expected="only places and years that were asked for"
            if is_asked
            else "only KPIs that were asked for",
            found=f"{number} values of {n_places} places that were not asked for",
            detail=f"dropped; for example {', '.join(places)}; years {', '.join(map(str, years))}",
        )
