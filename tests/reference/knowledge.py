"""What is known of every cell after one or more fetches: its value, or why it has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.reference.facts import GENDERS, Measure, measures, municipalities, status_reasons

Key = tuple[str, str, int, str]
Record = tuple[float | None, str, bool]
Dataset = dict[Key, Record]


class AnyOf(frozenset[object]):
    """Values between which the contract leaves the choice."""


@dataclass(frozen=True)
class Fetch:
    """The state of the source at one fetch, what it was asked for, and the KPIs that could not be fetched.

    `kpis`, `places` and `years` are what was asked; None = all.
    """

    records: Dataset
    failed: frozenset[str] = frozenset()
    kpis: frozenset[str] | None = None
    places: frozenset[str] | None = None
    years: frozenset[int] | None = None

    def asks(self, place: str, year: int) -> bool:
        """Say whether the fetch asked for this place and year."""
        return (self.places is None or place in self.places) and (self.years is None or year in self.years)


@dataclass
class Knowledge:
    """The records in force, the cells that ever had a value, and what was ever asked and answered.

    `scope` holds the municipalities whose cells are expected.
    """

    scope: frozenset[str] = frozenset(municipalities())
    answered: dict[str, list[Fetch]] = field(default_factory=dict)
    current: dict[str, dict[tuple[str, int, str], Record]] = field(default_factory=dict)
    ever: set[Key] = field(default_factory=set)
    versions: dict[Key, list[Record]] = field(default_factory=dict)
    _reported: dict[str, set[int]] = field(default_factory=dict)
    _years: dict[str, set[int]] = field(default_factory=dict)
    _reporting: dict[str, set[int]] = field(default_factory=dict)

    @classmethod
    def after(cls, fetches: Iterable[Fetch], scope: Iterable[str] = municipalities()) -> Knowledge:
        """Return what is known after these fetches, in their order.

        A KPI that failed keeps what was known. So does one whose answer is empty although it had values.
        Ids that have left the source's catalogue are not asked for.
        """
        known = cls(frozenset(scope))
        for fetch in fetches:
            answers: dict[str, dict[tuple[str, int, str], Record]] = {
                kpi: {}
                for kpi, measure in measures().items()
                if measure.is_current and (fetch.kpis is None or kpi in fetch.kpis)
            }
            for (kpi, place, year, gender), record in fetch.records.items():
                if kpi in answers and fetch.asks(place, year):
                    answers[kpi][place, year, gender] = record
            had_values = {key[0] for key in known.ever if fetch.asks(key[1], key[2])}
            for kpi, cells in answers.items():
                if kpi not in fetch.failed and (cells or kpi not in had_values):
                    known._learn(kpi, cells, fetch)
        return known

    def _learn(self, kpi: str, cells: dict[tuple[str, int, str], Record], fetch: Fetch) -> None:
        kept = {
            cell: record
            for cell, record in self.current.get(kpi, {}).items()
            if not fetch.asks(cell[0], cell[1])
        }
        self.current[kpi] = kept | cells
        self.answered.setdefault(kpi, []).append(fetch)
        for cell, record in cells.items():
            key = (kpi, *cell)
            if usable(record):
                self.ever.add(key)
                self._reported.setdefault(kpi, set()).add(cell[1])
            versions = self.versions.setdefault(key, [])
            if not versions or versions[-1] != record:
                versions.append(record)
        self._years[kpi] = {cell[1] for cell in self.current[kpi]}
        self._reporting[kpi] = {cell[1] for cell, record in self.current[kpi].items() if usable(record)}

    def was_asked(self, kpi: str, place: str, year: int) -> bool:
        """Say whether a complete fetch asked for the cell."""
        return any(fetch.asks(place, year) for fetch in self.answered.get(kpi, []))

    def value(self, kpi: str, place: str, year: int, gender: str = "T") -> float | None:
        """Return the value in force, or None."""
        record = self.current.get(kpi, {}).get((place, year, gender))
        return record[0] if record is not None and usable(record) else None

    def record(self, kpi: str, place: str, year: int, gender: str = "T") -> Record | None:
        """Return the record in force, or None where the source has none."""
        return self.current.get(kpi, {}).get((place, year, gender))

    def reason(self, kpi: str, place: str, year: int, gender: str = "T") -> str | AnyOf | None:
        """Return why the cell has no value; None when it has one."""
        if self.value(kpi, place, year, gender) is not None:
            return None
        if not self.was_asked(kpi, place, year):
            return (
                "not_loaded"
                if self.is_expected(kpi, place, year, gender)
                else AnyOf(("not_loaded", *_outside(measures()[kpi], self.span(kpi), year)))
            )
        record = self.record(kpi, place, year, gender)
        stated = status_reasons().get(record[1], "not_reported") if record is not None else "not_reported"
        if (kpi, place, year, gender) in self.ever:
            # A value that is replaced by a statement why there is none: both reasons are true.
            open_choice = stated != "not_reported" and record is not None and not record[2]
            return AnyOf(("withdrawn", stated)) if open_choice else "withdrawn"
        if record is not None:
            return "withdrawn" if record[2] else stated
        if self.is_expected(kpi, place, year, gender):
            return "not_reported"
        return AnyOf(_outside(measures()[kpi], self.span(kpi), year))

    def reported(self, kpi: str) -> tuple[int, int] | None:
        """Return the first and the last year in which anybody reports, None when nobody ever did.

        A year that was withdrawn altogether (reported by mistake) is none; a KPI that has lost every value
        keeps the years that it had.
        """
        years = self._reporting.get(kpi) or self._reported.get(kpi)
        return (min(years), max(years)) if years else None

    def span(self, kpi: str) -> tuple[int, int] | None:
        """Return the first and the last year in which the KPI's cells are expected."""
        measure, reported = measures()[kpi], self.reported(kpi)
        first = measure.first_year or (reported[0] if reported else None)
        last = measure.discontinued or (reported[1] if reported else None)
        return None if first is None or last is None or first > last else (first, last)

    def years(self, kpi: str) -> range:
        """Return the years in which the KPI's cells are expected."""
        span = self.span(kpi)
        return range(span[0], span[1] + 1) if span else range(0)

    def years_with_records(self, kpi: str) -> set[int]:
        """Return the years in which the source has any record."""
        return self._years.get(kpi, set())

    def years_with_values(self, kpi: str) -> set[int]:
        """Return the years in which anybody has a value."""
        return {cell[1] for cell, record in self.current.get(kpi, {}).items() if usable(record)}

    def genders(self, kpi: str) -> set[str]:
        """Return the genders in which anybody has a value."""
        return {cell[2] for cell, record in self.current.get(kpi, {}).items() if usable(record)}

    def is_expected(self, kpi: str, place: str, year: int, gender: str = "T") -> bool:
        """Say whether the contract expects the cell: a municipality, a year of the span, a gender it has."""
        return place in self.scope and year in self.years(kpi) and gender in measures()[kpi].genders

    def expected(self, kpi: str) -> set[tuple[str, int, str]]:
        """Return all expected cells of a KPI.

        The division by gender is a hint only: where nobody has a K or M value, those rows may lack.
        """
        genders = [g for g in measures()[kpi].genders if g == "T" or g in self.genders(kpi)]
        return {(p, y, g) for p in self.scope for y in self.years(kpi) for g in genders}

    def observed(self, kpi: str) -> set[tuple[str, int, str]]:
        """Return the cells of municipalities that have a value."""
        return {
            cell
            for cell, record in self.current.get(kpi, {}).items()
            if usable(record) and cell[0] in self.scope and cell[2] in GENDERS
        }


def usable(record: Record) -> bool:
    """Say whether a record gives a value: not null and not deleted. Zero is a value."""
    return record[0] is not None and not record[2]


def _outside(measure: Measure, span: tuple[int, int] | None, year: int) -> tuple[str, ...]:
    """Return the reasons that fit a cell which nobody expects."""
    if measure.discontinued and year > measure.discontinued:
        return ("discontinued",)
    if span and year > span[1]:
        return ("not_yet_published",)
    return ("not_applicable", "not_reported", "not_yet_published")
