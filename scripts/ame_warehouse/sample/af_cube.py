"""The synthetic figures behind the sample workbooks: jobseekers by place, month, sex, age, birth and
education.

Nothing here is a figure of Arbetsförmedlingen. Levels are made up from round sizes and rates; all
workbooks of the sample are sums of the same cube, so that what must agree between files agrees.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

VASTRA_GOTALAND = "Västra Götalands län"
VASTERNORRLAND = "Västernorrlands län"
UNKNOWN = "Uppgift saknas"
GENDERS = ("Kvinnor", "Män")
AGES = ("16-24", "25-54", "55-64")
BIRTHS = ("Inrikes född", "Utrikes född")
EDUCATIONS = ("Förgymnasial", "Gymnasial", "Eftergymnasial")
DURATIONS = (6, 12, 24)

# (county, municipality, labour force in round figures, share that is unemployed)
PLACES: tuple[tuple[str, str | None, int, float], ...] = (
    (VASTRA_GOTALAND, "Ale", 16000, 0.039),
    (VASTRA_GOTALAND, "Alingsås", 20000, 0.046),
    (VASTRA_GOTALAND, "Borås", 57000, 0.062),
    (VASTRA_GOTALAND, "Göteborg", 310000, 0.074),
    (VASTRA_GOTALAND, "Härryda", 20000, 0.033),
    (VASTRA_GOTALAND, "Kungälv", 24000, 0.037),
    (VASTRA_GOTALAND, "Lerum", 21000, 0.035),
    (VASTRA_GOTALAND, "Lilla Edet", 7000, 0.054),
    (VASTRA_GOTALAND, "Mölndal", 36000, 0.037),
    (VASTRA_GOTALAND, "Partille", 20000, 0.048),
    (VASTRA_GOTALAND, "Stenungsund", 13500, 0.036),
    (VASTRA_GOTALAND, "Tjörn", 7700, 0.028),
    (VASTRA_GOTALAND, "Öckerö", 6000, 0.028),
    (VASTRA_GOTALAND, UNKNOWN, 400, 0.05),
    ("Hallands län", "Kungsbacka", 43000, 0.027),
    ("Hallands län", None, 200, 0.05),
    (VASTERNORRLAND, "Härnösand", 11500, 0.096),
    (VASTERNORRLAND, "Kramfors", 8000, 0.08),
    (VASTERNORRLAND, "Timrå", 8500, 0.078),
    (VASTERNORRLAND, "Örnsköldsvik", 27500, 0.06),
    ("Västerbottens län", "Vännäs", 4400, 0.041),
    ("Västmanlands län", "Västerås", 79000, 0.085),
)
REVISED = ("Göteborg", "Timrå", "Västerås")  # their last month before is revised by the next release


@dataclass(frozen=True)
class Row:
    """Jobseekers of one place, month and category; `out_of_work` counts those without work for more than
    6, 12, 24 months.
    """

    month: str
    county: str
    municipality: str | None
    gender: str
    age: str
    birth: str
    education: str
    count: int
    out_of_work: tuple[int, int, int]


def noise(*key: object) -> float:
    """Return a number from 0 to 1 that depends on the key only."""
    return zlib.crc32("|".join(map(str, key)).encode()) / 2**32


def months(first: str, last: str) -> list[str]:
    """Return the months from `first` to `last` (`YYYY-MM`), both included."""
    year, month = int(first[:4]), int(first[5:])
    found = []
    while (text := f"{year:04d}-{month:02d}") <= last:
        found.append(text)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004
    return found


def split(total: int, weights: list[float]) -> list[int]:
    """Return `total` in whole parts after weights; the parts add up."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [math.floor(value) for value in exact]
    order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: total - sum(parts)]:
        parts[at] += 1
    return parts


@dataclass(frozen=True)
class Cube:
    """All rows from one month to another, as known by release `release` (its last month)."""

    first: str
    last: str

    @cached_property
    def rows(self) -> list[Row]:
        """Return the rows, by month and place."""
        return list(self._rows())

    def labour_force(self, place: str | None, county: str, month: str) -> float:
        """Return the labour force of a place: a twelve-month mean, hence not whole."""
        size = next(size for c, m, size, _ in PLACES if (c, m) == (county, place))
        return size * (1 + 0.001 * (int(month[:4]) - 2021)) + round(11 * noise("force", place, month)) / 12

    def _rows(self) -> Iterator[Row]:
        cells = [(g, a, b, e) for g in GENDERS for a in AGES for b in BIRTHS for e in EDUCATIONS]
        for month in months(self.first, self.last):
            season = 1 + 0.08 * math.cos((int(month[5:]) - 1) / 12 * 2 * math.pi)
            trend = 1.18 - 0.008 * ((int(month[:4]) - 2021) * 12 + int(month[5:]))
            for county, place, size, rate in PLACES:
                total = round(size * rate * season * trend * (0.98 + 0.04 * noise(county, place, month)))
                if place in REVISED and month < self.last and month >= "2022-12":
                    total += 3
                weights = [self._weight(place, *cell) for cell in cells]
                for cell, count in zip(cells, split(total, weights), strict=True):
                    yield Row(month, county, place, *cell, count, self._durations(place, month, cell, count))

    @staticmethod
    def _weight(place: str | None, gender: str, age: str, birth: str, education: str) -> float:
        base = {"16-24": 0.16, "25-54": 0.62, "55-64": 0.22}[age]
        base *= {"Inrikes född": 0.55, "Utrikes född": 0.45}[birth]
        base *= {"Förgymnasial": 0.3, "Gymnasial": 0.46, "Eftergymnasial": 0.24}[education]
        base *= 0.47 if gender == "Kvinnor" else 0.53
        return base * (0.7 + 0.6 * noise(place, gender, age, birth, education))

    @staticmethod
    def _durations(place: str | None, month: str, cell: tuple[str, ...], count: int) -> tuple[int, int, int]:
        six = math.floor(count * (0.55 + 0.2 * noise(place, month, *cell)))
        twelve = math.floor(six * (0.62 + 0.1 * noise("12", place, *cell)))
        return six, twelve, math.floor(twelve * 0.6)

    def summed(self, key: Callable[[Row], tuple[str | None, ...]]) -> dict[tuple[str | None, ...], list[int]]:
        """Return {key: [count, > 6, > 12, > 24 months]}, in the order of first appearance."""
        found: dict[tuple[str | None, ...], list[int]] = {}
        for row in self.rows:
            sums = found.setdefault(key(row), [0, 0, 0, 0])
            for at, number in enumerate((row.count, *row.out_of_work)):
                sums[at] += number
        return found
