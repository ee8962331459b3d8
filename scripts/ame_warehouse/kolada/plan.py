"""How a question is cut into requests that Kolada accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

LIST_LIMIT = 25
Item = TypeVar("Item")


@dataclass(frozen=True)
class Question:
    """One page set to ask for: KPIs × places × years (`years` None = all years)."""

    kpi_ids: tuple[str, ...]
    municipality_ids: tuple[str, ...]
    years: tuple[int, ...] | None
    attempts: int | None = None

    @property
    def path(self) -> str:
        """The data route of this question, below the base address."""
        route = f"/data/kpi/{','.join(self.kpi_ids)}/municipality/{','.join(self.municipality_ids)}"
        return route if self.years is None else f"{route}/year/{','.join(map(str, self.years))}"

    def halves(self, attempts: int) -> list[Question]:
        """Return the question for the first and for the second half of the KPIs, with fewer attempts each."""
        middle = (len(self.kpi_ids) + 1) // 2
        parts = [self.kpi_ids[:middle], self.kpi_ids[middle:]]
        return [Question(part, self.municipality_ids, self.years, attempts) for part in parts if part]

    def place_parts(self, doubtful: set[str], attempts: int) -> list[Question]:
        """Return the question for fewer places each: the doubtful ones apart, otherwise the two halves."""
        parts = [
            tuple(place for place in self.municipality_ids if place in doubtful),
            tuple(place for place in self.municipality_ids if place not in doubtful),
        ]
        if not all(parts):
            middle = (len(self.municipality_ids) + 1) // 2
            parts = [self.municipality_ids[:middle], self.municipality_ids[middle:]]
        return [Question(self.kpi_ids, part, self.years, attempts) for part in parts]

    def apart(self, kpi_ids: set[str]) -> list[Question]:
        """Return the question cut so that each of some KPIs stands alone, the others together."""
        alone = [
            Question((kpi,), self.municipality_ids, self.years) for kpi in self.kpi_ids if kpi in kpi_ids
        ]
        others = self.without(kpi_ids)
        return alone if others is None else [*alone, others]

    def without(self, kpi_ids: set[str]) -> Question | None:
        """Return the question without some KPIs; None when none is left."""
        left = tuple(kpi for kpi in self.kpi_ids if kpi not in kpi_ids)
        return Question(left, self.municipality_ids, self.years, self.attempts) if left else None


def chunks(items: Sequence[Item], size: int = LIST_LIMIT) -> list[tuple[Item, ...]]:
    """Return the items in order, in tuples of at most `size`."""
    return [tuple(items[start : start + size]) for start in range(0, len(items), size)]


def questions(
    kpi_ids: Sequence[str], municipality_ids: Sequence[str], years: Sequence[int] | None
) -> list[Question]:
    """Return the questions that together ask for every KPI, place and year once.

    All KPIs of the first places come first, so that a source which answers nothing is noticed early.
    """
    year_lists: list[tuple[int, ...] | None] = [None] if years is None else list(chunks(sorted(years)))
    return [
        Question(kpis, places, span)
        for places in chunks(municipality_ids)
        for span in year_lists
        for kpis in chunks(kpi_ids)
    ]
