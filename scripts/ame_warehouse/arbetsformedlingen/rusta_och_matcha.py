"""The result file of Rusta och matcha: one row per supplier's agreement, weights from the calculation sheet.

Participants are a cohort (started 11 to 22 months before the period), not a stock. Counts 0 to 4 are
printed; nothing is masked. `-` as rating means too few participants for one. A column that a release
leaves out is null, never "no".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from ame_warehouse.arbetsformedlingen.layouts import Column, Table, normal
from ame_warehouse.arbetsformedlingen.notes import LayoutError, Note, Report
from ame_warehouse.arbetsformedlingen.schema import LEVELS
from ame_warehouse.arbetsformedlingen.sheets import Sheets, drift, find_header, nearest_names
from ame_warehouse.arbetsformedlingen.text import read_month, read_number, read_text

FOLLOW_UP_FROM, FOLLOW_UP_TO = 11, 22
BEST_RATING = 4
NO_RATING = frozenset({"-", "–", "", "betyg saknas", "saknas"})
RESULTS, WEIGHTS = "resultat", "beräkningssnurra"
WEIGHT = re.compile(r"vikt nivå ([abc])")
KA_NUMBER = re.compile(r"\d{4,12}")


def _c(name: str, role: str, *synonyms: str, required: bool = True) -> Column:
    return Column(role, name, synonyms, required)


def _level_columns() -> tuple[Column, ...]:
    columns = [_c(f"ANTAL DELTAGARE NIVÅ {level.upper()}", f"participants_{level}") for level in LEVELS]
    for part in ("RR1", "RR2"):
        columns += [_c(f"ANTAL {part} NIVÅ {lv.upper()}", f"{part.lower()}_{lv}") for lv in LEVELS]
    return tuple(columns)


TABLE = Table(
    "Resultat",
    (
        _c("PERIOD", "period"),
        _c("LEVERANSOMRÅDE", "delivery_area"),
        _c("LEVERANTÖRNAMN", "provider_name", "LEVERANTÖRSNAMN", "LEVERANTÖR"),
        _c("KA-NUMMER", "ka_number", "KA NUMMER", "KANUMMER"),
        _c("STARTDATUM AVTAL", "contract_start", required=False),
        _c("AVTAL HAR VARIT AKTIVT I 22 MÅNADER", "is_active_22_months", required=False),
        _c("BETYG", "rating"),
        _c("BETYG 1 ELLER SAKNAR BETYG", "is_rating_1_or_none", required=False),
        _c("VIKTAT RESULTATMÅTT", "weighted_result"),
        _c(
            "VIKTAT RESULTATMÅTT LÄGRE ÄN 0,2",
            "is_below_0_2",
            "VIKTAT RESULTATMÅTT LÄGRE ÄN 0.2",
            required=False,
        ),
        _c("RISKERAR HÄVNING", "is_risk_of_termination", required=False),
        _c("ANTAL DELTAGARE", "participants"),
        *_level_columns(),
    ),
)
YES_NO = ("is_active_22_months", "is_rating_1_or_none", "is_below_0_2", "is_risk_of_termination")
COUNTS = ("participants", *(f"{part}_{lv}" for part in ("participants", "rr1", "rr2") for lv in LEVELS))


class Rejected(Exception):  # noqa: N818 - a signal inside this module
    """A row cannot be typed."""

    def __init__(self, column: str, reason: str, raw: str) -> None:
        super().__init__(reason)
        self.column, self.reason, self.raw = column, reason, raw


def sheet_of(sheets: Sheets, start: str) -> str | None:
    """Return the sheet whose name begins so (`Resultat 2026-01`); the newest month when there are several."""
    return max((name for name in sheets.names if normal(name).startswith(start)), key=normal, default=None)


def check(sheets: Sheets) -> list[Note]:
    """Return the drift of the results sheet; raises `LayoutError` when a column that is needed is not
    there.
    """
    name = sheet_of(sheets, RESULTS)
    if name is None:
        raise LayoutError(
            "the workbook has no sheet of results",
            expected="a sheet whose name begins with Resultat",
            found=", ".join(sheets.names),
            source=sheets.path.name,
            action="open the workbook; if AF renamed the sheet, add the name to the layout",
            notes=[Note("missing_sheet", "error", "a sheet Resultat YYYY-MM", ", ".join(sheets.names))],
        )
    grid = sheets.grid(name)
    header, lacking = find_header(grid, TABLE, iter(grid.rows))
    if header is None:
        notes = drift(TABLE, name, lacking, nearest_names(sheets.grid(name), TABLE))
        raise LayoutError(
            "the results sheet lacks columns",
            expected=", ".join(lacking),
            found=notes[0].found if notes else "no header",
            source=f"{sheets.path.name}, {name}",
            action="open the workbook; if AF renamed a column, add the name to the layout",
            notes=notes,
        )
    found = {column.name for column, _ in header.found}
    notes = [
        Note("missing_column", "info", f"Resultat: {column.name}", "absent in this release: null", name)
        for column in TABLE.columns
        if column.name not in found
    ]
    return notes + [
        Note(
            "added_column", "warning", "Resultat: the columns of the layout", f"a column {added}", "not read"
        )
        for added, _ in header.added
    ]


def read_results(sheets: Sheets, report: Report) -> list[dict[str, Any]]:
    """Return the agreements of a result file in the columns of `RUSTA_OCH_MATCHA` (without fetch and file).

    Rows that cannot be typed go to the quarantine. Raises `LayoutError` when the sheet or a needed column
    is missing.
    """
    report.notes += check(sheets)
    name = sheet_of(sheets, RESULTS) or ""
    grid = sheets.grid(name)
    rows = iter(grid.rows)
    header, _ = find_header(grid, TABLE, rows)
    if header is None:  # check() has seen it
        raise LayoutError("the results sheet has no header", source=name)
    weights = read_weights(sheets, report)
    places = {column.role: at for column, at in header.found}
    agreements: list[dict[str, Any]] = []
    keys: set[tuple[str, str]] = set()
    for number, row in enumerate(rows, header.row + 1):
        if all(cell is None or cell == "" for cell in row):
            continue
        cells = {role: row[at] if at < len(row) else None for role, at in places.items()}
        try:
            agreement = _agreement(cells)
        except Rejected as fault:
            raw = json.dumps({k: str(v) for k, v in cells.items()}, ensure_ascii=False)
            report.put_aside(TABLE.name, number, fault.column, fault.reason, f"{fault.raw} in {raw}")
            continue
        key = (agreement["period"], agreement["ka_number"])
        if key in keys:
            report.put_aside(TABLE.name, number, "KA-NUMMER", "agreement twice in one period", "/".join(key))
            continue
        keys.add(key)
        agreements.append({**agreement, **weights, "row_no": number})
    _check_agreements(agreements, report)
    return agreements


def read_weights(sheets: Sheets, report: Report) -> dict[str, float | None]:
    """Return the weights of the three levels from the calculation sheet; null when they are not there."""
    weights: dict[str, float | None] = {f"weight_{level}": None for level in LEVELS}
    name = sheet_of(sheets, WEIGHTS)
    for row in sheets.grid(name).rows if name else []:
        for at, cell in enumerate(row[:-1]):
            found = WEIGHT.fullmatch(normal(cell)) if isinstance(cell, str) else None
            if found:
                weights[f"weight_{found.group(1)}"] = read_number(row[at + 1]).value
    lacking = [key for key, weight in weights.items() if weight is None]
    if lacking:
        report.note(
            "missing_weights",
            "warning",
            "weights A, B and C in Beräkningssnurra",
            "no " + ", ".join(lacking),
            name,
        )
    return weights


def weighted_result(agreement: dict[str, Any]) -> float | None:
    """Return Σ (RR1+RR2)·weight / (2·participants) over the levels; None without weights, 0 without
    participants.
    """
    people = sum(agreement[f"participants_{level}"] for level in LEVELS)
    if any(agreement[f"weight_{level}"] is None for level in LEVELS):
        return None
    if people == 0:
        return 0.0
    weighted: float = sum(
        (agreement[f"rr1_{level}"] + agreement[f"rr2_{level}"]) * agreement[f"weight_{level}"]
        for level in LEVELS
    )
    return float(weighted / (2 * people))


def _agreement(cells: dict[str, Any]) -> dict[str, Any]:
    period = read_month(cells["period"])
    if period is None:
        raise Rejected("PERIOD", "no month", str(cells["period"]))
    ka_number = read_text(cells["ka_number"])
    if ka_number is None or not KA_NUMBER.fullmatch(ka_number):
        raise Rejected("KA-NUMMER", "no agreement number", str(cells["ka_number"]))
    delivery_area = read_text(cells["delivery_area"])
    if delivery_area is None:
        raise Rejected("LEVERANSOMRÅDE", "no delivery area", str(cells["delivery_area"]))
    raw_rating = read_text(cells["rating"])
    weighted = read_number(cells["weighted_result"])
    if not weighted.is_known:
        raise Rejected(
            "VIKTAT RESULTATMÅTT", "neither number nor known marker", str(cells["weighted_result"])
        )
    row: dict[str, Any] = {
        "period": period,
        "delivery_area": delivery_area,
        "provider_name": read_text(cells["provider_name"]),
        "ka_number": ka_number,
        "contract_start": _day(cells.get("contract_start")),
        "rating": _rating(raw_rating),
        "rating_raw": raw_rating,
        "weighted_result": weighted.value,
        "follow_up_from_months": FOLLOW_UP_FROM,
        "follow_up_to_months": FOLLOW_UP_TO,
    }
    row |= {name: _yes_no(name, cells.get(name)) for name in YES_NO}
    return row | {name: _count(name, cells[name]) for name in COUNTS}


def _rating(text: str | None) -> int | None:
    if text is None or text.casefold() in NO_RATING:
        return None
    if not (text.isdigit() and 1 <= int(text) <= BEST_RATING):
        raise Rejected("BETYG", f"neither 1 to {BEST_RATING} nor '-'", text)
    return int(text)


def _yes_no(name: str, cell: object) -> bool | None:
    text = (read_text(cell) or "").casefold()
    if text in ("", "-"):
        return None
    if text not in ("ja", "nej"):
        raise Rejected(name, "neither Ja nor Nej", text)
    return text == "ja"


def _count(name: str, cell: object) -> int | None:
    number = read_number(cell)
    if number.value is None:
        if number.is_known:
            return None
        raise Rejected(name, "no count", str(cell))
    if number.value < 0 or not number.value.is_integer():
        raise Rejected(name, "no count", str(cell))
    return int(number.value)


def _day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = read_text(cell)
    if text is None or text == "-":
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as exc:
        raise Rejected("STARTDATUM AVTAL", "no date", text) from exc


def _check_agreements(agreements: list[dict[str, Any]], report: Report) -> None:
    """Note where the parts do not make the whole: participants by level, and the weighted result."""
    rules: tuple[tuple[str, str, Callable[[dict[str, Any]], bool]], ...] = (
        ("participants = A + B + C", "participants_sum", _sums_up),
        ("the weighted result follows from its parts (± 0.0006)", "weighted_result", _reproduces),
    )
    for expected, kind, holds in rules:
        wrong = [one["ka_number"] for one in agreements if not holds(one)]
        if wrong:
            report.note(
                kind, "warning", expected, f"{len(wrong)} of {len(agreements)} do not", _examples(wrong)
            )


def _sums_up(one: dict[str, Any]) -> bool:
    parts = [one[f"participants_{level}"] for level in LEVELS]
    return None in (*parts, one["participants"]) or sum(parts) == one["participants"]


def _reproduces(one: dict[str, Any]) -> bool:
    if any(one[name] is None for name in (*COUNTS, "weighted_result")):
        return True
    found = weighted_result(one)
    return found is None or abs(found - one["weighted_result"]) <= 0.0006  # noqa: PLR2004 - three decimals


def _examples(items: Iterable[str]) -> str:
    return "for example " + ", ".join(list(items)[:5])
