"""Reading data records that are not as Kolada documents them: nothing is lost, nothing is guessed.

`is_regular` tells whether the fast reader (DuckDB, typed) may read a page. `read_records` reads any page:
what has a key becomes an observation, with odd values kept as text; what has none becomes an `Oddity`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = Any

GENDERS = ("T", "K", "M")
KNOWN_STATUS = ("", "Missing", "Privacy", ".", "..", "-")
RECORD_FIELDS = frozenset({"kpi", "municipality", "period", "values"})
VALUE_FIELDS = frozenset({"gender", "count", "status", "value", "isdeleted"})
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
YEAR = re.compile(r"[12][0-9]{3}")
FIRST_YEAR, LAST_YEAR = 1000, 2999
LARGEST = 1e300
LARGEST_COUNT = 2**31 - 1
DETAIL = 2000


def is_regular(values: list[Json]) -> bool:
    """Return whether every record has exactly the documented fields and types."""
    for record in values:
        if type(record) is not dict or record.keys() != RECORD_FIELDS:
            return False
        inner = record["values"]
        if (
            type(record["kpi"]) is not str
            or type(record["municipality"]) is not str
            or type(record["period"]) is not int
            or not FIRST_YEAR <= record["period"] <= LAST_YEAR
            or type(inner) is not list
            or not inner
        ):
            return False
        for value in inner:
            if type(value) is not dict or value.keys() != VALUE_FIELDS:
                return False
            number = value["value"]
            if (
                value["gender"] not in GENDERS
                or not (number is None or (type(number) in (int, float) and -LARGEST < number < LARGEST))
                or type(value["status"]) is not str
                or type(value["isdeleted"]) is not bool
                or type(value["count"]) is not int
                or not 0 <= value["count"] <= LARGEST_COUNT
            ):
                return False
    return True


@dataclass(frozen=True)
class Cell:
    """One value as read: the key, the number, and what was odd about it."""

    kpi_id: str
    municipality_id: str
    year: int
    gender: str
    value: float | None
    status: str | None
    is_deleted: bool
    member_count: int | None
    raw_value: str | None
    value_issue: str | None


@dataclass(frozen=True)
class Oddity:
    """Something in a record that the contract does not know; becomes a row of findings."""

    kind: str
    severity: str
    kpi_id: str | None
    municipality_id: str | None
    year: int | None
    gender: str | None
    expected: str
    found: str
    detail: str | None = None


class _RawNumber(str):
    """The text of a number that no double can hold, or of NaN and Infinity."""


def _number(text: str) -> float | _RawNumber:
    number = float(text)
    return number if -LARGEST < number < LARGEST else _RawNumber(text)


def _whole(text: str) -> int | _RawNumber:
    return int(text) if len(text) < 300 else _RawNumber(text)  # noqa: PLR2004 - digits of LARGEST


def load_records(body: bytes) -> list[Json]:
    """Return the records of a stored page; numbers that cannot be held keep their text."""
    document = json.loads(
        body.decode("utf-8"), parse_float=_number, parse_int=_whole, parse_constant=_RawNumber
    )
    values: list[Json] = document["values"]
    return values


def read_records(body: bytes) -> Iterator[Cell | Oddity]:
    """Yield the cells and the oddities of a stored page, in its order."""
    for record in load_records(body):
        yield from _record(record)


def _text(value: Json) -> str:
    if isinstance(value, _RawNumber):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _year(period: Json) -> int | None:
    if type(period) is int and FIRST_YEAR <= period <= LAST_YEAR:
        return period
    if type(period) is float and period.is_integer() and FIRST_YEAR <= period <= LAST_YEAR:
        return int(period)
    if type(period) is str and YEAR.fullmatch(period.strip()):
        return int(period)
    return None


def _odd(  # noqa: PLR0917 (the columns of a finding)
    severity: str,
    kpi_id: str | None,
    place_id: str | None,
    year: int | None,
    gender: str | None,
    expected: str,
    found: str,
    quoted: Json = None,
    limit: int = DETAIL,
) -> Oddity:
    """Return an odd value; what is quoted is cut at the limit."""
    detail = None if quoted is None else _text(quoted)[:limit]
    return Oddity("odd_value", severity, kpi_id, place_id, year, gender, expected, found, detail)


def _note(kpi_id: str, expected: str, found: str, quoted: Json = None) -> Oddity:
    """Return an oddity that stands for all records of a KPI, so that it is told once."""
    return _odd("info", kpi_id, None, None, None, expected, found, quoted)


def _record(record: Json) -> Iterator[Cell | Oddity]:
    fields = record if isinstance(record, dict) else {}
    kpi, place, inner = fields.get("kpi"), fields.get("municipality"), fields.get("values")
    year = _year(fields.get("period"))
    kpi_id = kpi if type(kpi) is str else None
    place_id = place if type(place) is str else None
    if kpi_id is None or place_id is None or year is None or not isinstance(inner, list):
        expected = "a record with kpi, municipality, period and values"
        found = "a record that cannot be keyed"
        yield Oddity(
            "odd_value", "warning", kpi_id, place_id, year, None, expected, found, _text(record)[:DETAIL]
        )
        return
    if type(fields["period"]) is not int:
        kind = type(fields["period"]).__name__
        yield _note(kpi_id, "period as a whole number", f"period as {kind}", fields["period"])
    for name in sorted(fields.keys() - RECORD_FIELDS):
        yield _extra(kpi_id, name, fields[name])
    if not inner:
        what = ("a value for at least one gender", "a record without values")
        yield _odd("info", kpi_id, place_id, year, None, *what)
    if len(inner) == 1 and isinstance(inner[0], dict) and inner[0].get("gender") is None:
        what = ("gender T, K or M", "no gender on the only value; read as the total")
        yield _odd("warning", kpi_id, place_id, year, "T", *what, inner[0])
        inner = [inner[0] | {"gender": "T"}]
    for value in inner:
        yield from _value(kpi_id, place_id, year, value)
    yield from _unread(kpi_id, place_id, year, inner)


def _unread(kpi_id: str, place_id: str, year: int, inner: list[Json]) -> Iterator[Cell]:
    """Yield a cell without a value for each gender that an unkeyable value may have been meant for.

    Such a cell is not loaded: the source did say something, so that it is neither i.u. nor withdrawn.
    """
    keys = [value.get("gender") if isinstance(value, dict) else None for value in inner]
    lost = [value for value, key in zip(inner, keys, strict=True) if key not in GENDERS]
    lacking = [gender for gender in GENDERS if gender not in keys]
    if lost and len(lost) < len(lacking):
        lacking = [gender for gender in lacking if gender == "T"]
    for gender in lacking if lost else []:
        yield Cell(kpi_id, place_id, year, gender, None, None, False, None, _text(lost), "no_gender")


def _extra(kpi_id: str, name: str, value: Json) -> Oddity:
    detail = _text(value)[:200]
    expected, found = "the documented fields", f"a field {name!r}"
    return Oddity("extra_field", "info", kpi_id, None, None, None, expected, found, detail)


def _value(kpi_id: str, place_id: str, year: int, value: Json) -> Iterator[Cell | Oddity]:
    gender = value.get("gender") if isinstance(value, dict) else None
    if gender not in GENDERS:
        expected, found = "gender T, K or M", "a value that cannot be keyed"
        detail = _text(value)[:DETAIL]
        yield Oddity("odd_value", "warning", kpi_id, place_id, year, None, expected, found, detail)
        return
    for name in sorted(value.keys() - VALUE_FIELDS):
        yield _extra(kpi_id, name, value[name])
    number, raw, issue = read_number(value.get("value"))
    status = value.get("status")
    deleted, deleted_note = _truth(value.get("isdeleted"), "isdeleted" in value)
    count = value.get("count")
    if "value" not in value:
        yield _odd("warning", kpi_id, place_id, year, gender, "a value", "no value field", value, 200)
    if deleted_note:
        yield _note(kpi_id, "isdeleted true or false", deleted_note)
    whole = type(count) is int and 0 <= count <= LARGEST_COUNT
    if not whole:
        shown = f"count {_text(count)[:80]}" if "count" in value else "no count"
        yield _note(kpi_id, "count as a whole number", shown)
    yield Cell(
        kpi_id,
        place_id,
        year,
        str(gender),
        number,
        status if status is None or type(status) is str else _text(status),
        deleted,
        count if whole else None,
        raw,
        issue,
    )


def read_number(value: Json) -> tuple[float | None, str | None, str | None]:
    """Return (value, raw_value, value_issue) for a JSON value.

    A number and null are plain; a text with a dot for decimals is used and named; all else is kept raw.
    """
    if value is None:
        return None, None, None
    if type(value) is float or type(value) is int:
        number = float(value) if abs(value) < LARGEST else math.inf
        return (number, None, None) if number < math.inf else (None, _text(value), "not_a_number")
    if type(value) is str and NUMBER.fullmatch(value) and abs(float(value)) < LARGEST:
        return float(value), _text(value), "number_as_text"
    return None, _text(value), "not_a_number"


def _truth(value: Json, present: bool) -> tuple[bool, str | None]:
    if type(value) is bool:
        return value, None
    if not present:
        return False, "no isdeleted"
    if type(value) is str and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true", f"isdeleted {_text(value)}"
    if type(value) in (int, float) and value in (0, 1):
        return bool(value), f"isdeleted {_text(value)}"
    return False, f"isdeleted {_text(value)[:80]}"
