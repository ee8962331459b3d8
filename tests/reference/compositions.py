"""Expected content of `marts.participant_profile` and `marts.referrals`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from tests.reference.facts import Category, compositions, measures, places
from tests.reference.knowledge import AnyOf, Knowledge
from tests.reference.table import Row, RowKey, Table

PROFILE_TOPICS = ("age", "education", "time_without_work", "enrolment_length")
AF, AF_WITH, AF_TOTAL = "af", "af_with_social_services", "af_total"
TOLERANCE = Decimal(1)


def exact(value: float) -> Decimal:
    """Return the number as it is written, without the noise of binary fractions."""
    return Decimal(repr(value))


def share_class(share: Decimal) -> str:
    """Return the class of a share: 0–14 low, 15–49 medium, 50 or more high, on whole per cent."""
    whole = share.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return "low" if whole < 15 else "medium" if whole < 50 else "high"


def judge(shares: Iterable[float | None]) -> tuple[str, float | None]:
    """Return status and sum of the shares of all categories that are valid in the year."""
    values = list(shares)
    present = [exact(value) for value in values if value is not None]
    if not present:
        return "missing", None
    if len(present) < len(values):
        return "incomplete", None
    total = sum(present, Decimal(0))
    return ("complete" if abs(total - 100) <= TOLERANCE else "sum_not_100"), float(total)


def profile(known: Knowledge) -> Table:
    """Return the expected shares of age, education, time without work and length of enrolment."""
    chosen = {
        name: parts
        for name, parts in compositions().items()
        if measures()[parts[0].kpi_id].topic in PROFILE_TOPICS
    }
    required: set[RowKey] = set()
    for name, parts in chosen.items():
        for part in parts:
            cells = {(place, year) for place, year, gender in known.expected(part.kpi_id) if gender == "T"}
            for other in parts:
                cells |= {(p, y) for p, y, g in known.observed(other.kpi_id) if g == "T" and other.valid(y)}
            required |= {(p, y, name, part.category_id) for p, y in cells if part.valid(y)}

    def part_of(name: str, category: object, year: int) -> Category | None:
        return next((c for c in chosen.get(name, ()) if c.category_id == category and c.valid(year)), None)

    @cache
    def whole(place: str, year: int, name: str) -> tuple[str, float | None]:
        return judge(known.value(c.kpi_id, place, year) for c in chosen[name] if c.valid(year))

    def row(key: RowKey) -> Row:
        place, year, name, category = key
        part = part_of(name, category, year)
        assert part is not None
        share = known.value(part.kpi_id, place, year)
        status, total = whole(place, year, name)
        value_year: int | None = year
        fallback: str | None = None
        if status != "complete":
            earlier = (y for y in range(year - 1, year - 40, -1) if any(c.valid(y) for c in chosen[name]))
            value_year = next((y for y in earlier if whole(place, y, name)[0] == "complete"), None)
            if value_year is not None:
                fallback = "sum_not_100" if status == "sum_not_100" else "missing"
        comparison = known.value(part.kpi_id, place, value_year) if value_year is not None else None
        return {
            "share_pct": share,
            "missing_reason": known.reason(part.kpi_id, place, year),
            "composition_sum_pct": total,
            "composition_status": status,
            "comparison_share_pct": comparison,
            "value_year": value_year,
            "fallback_reason": fallback,
        }

    return Table(
        "marts.participant_profile",
        ("municipality_id", "year", "composition_id", "category_id"),
        required,
        row,
        lambda key: key[0] in places() and part_of(key[2], key[3], key[1]) is not None,
    )


def referrals(known: Knowledge) -> Table:
    """Return the expected shares and classes of referrals by source."""
    parts = [
        part
        for name, members in compositions().items()
        if name.startswith("referrals_by_source")
        for part in members
    ]
    kpi_of = {part.category_id: part.kpi_id for part in parts}

    def valid(year: int) -> list[Category]:
        return [part for part in parts if part.valid(year)]

    def pieces(source: str, year: int) -> list[str]:
        """Return the KPIs whose shares make the source's share in that year; none: no such source then."""
        names = (AF, AF_WITH) if source == AF_TOTAL else (source,)
        return [part.kpi_id for part in valid(year) if part.category_id in names]

    def share(place: str, year: int, source: str) -> Decimal | None:
        values = [known.value(kpi, place, year) for kpi in pieces(source, year)]
        numbers = [exact(value) for value in values if value is not None]
        return sum(numbers, Decimal(0)) if numbers and len(numbers) == len(values) else None

    @cache
    def classes(place: str, source: str) -> dict[int, str]:
        shares = {year: share(place, year, source) for year in range(1990, 2030)}
        return {year: share_class(value) for year, value in shares.items() if value is not None}

    def row(key: RowKey) -> Row:
        place, year, source = key
        own = share(place, year, source)
        reasons = {r for r in (known.reason(k, place, year) for k in pieces(source, year)) if r is not None}
        flat = [x for r in reasons for x in (r if isinstance(r, AnyOf) else (r,))]
        status, total = judge(known.value(part.kpi_id, place, year) for part in valid(year))
        having = classes(place, source)
        later = sorted(y for y in having if y > year)
        before = sorted((y for y in having if y < year), reverse=True)
        choices = [
            ("own_value", [year] if year in having else []),
            ("next_year", later),
            ("previous_year", before),
        ]
        rule, class_year = next(((name, ys[0]) for name, ys in choices if ys), (None, None))
        return {
            "share_pct": None if own is None else float(own),
            "missing_reason": None if own is not None else AnyOf(flat),
            "composition_sum_pct": total,
            "composition_status": status,
            "share_class": None if class_year is None else having[class_year],
            "class_rule": rule,
            "class_year": class_year,
        }

    required: set[RowKey] = set()
    for source, kpi in kpi_of.items():
        cells = {(p, y) for p, y, g in known.expected(kpi) | known.observed(kpi) if g == "T"}
        required |= {(p, y, source) for p, y in cells if pieces(source, y)}
    required |= {(p, y, AF_TOTAL) for p, y, source in required if source == AF}
    sources = {*kpi_of, AF_TOTAL}
    return Table(
        "marts.referrals",
        ("municipality_id", "year", "referral_source"),
        required,
        row,
        lambda key: key[0] in places() and key[2] in sources and bool(pieces(key[2], key[1])),
    )
