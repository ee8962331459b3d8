"""A synthetic, live-like state of Kolada with planted traps, and a later state of the same source.

A seed makes it: the same seed gives the same records. A state is a dict
`(kpi_id, place_id, year, gender) -> (value or None, status, isdeleted)`; a record that the source does not
have is no key.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.reference.facts import RIKET, compositions, groups, measures, municipalities, places
from tests.reference.knowledge import Dataset, Key, Record, usable

YEARS = range(2016, 2025)
NULL_STATUSES = ("Missing", "Missing", "Missing", "", "-", "Privacy", "..", ".", "Okänd")
FAILS_FIRST = "N03921"  # never loaded by the first fetch; its years are known from the catalogue
FAILS_LATER = "U40450"  # cannot be fetched the second time
EMPTY_LATER = "N02937"  # answers with an empty envelope the second time
ONLY_TOTALS = "N40450"  # divided by gender by the catalogue, but only totals are published
DIVIDED_AFTER_ALL = "N31848"  # not divided by the catalogue, but with records for women and men
LATE_RIKET = "N31807"  # one more year for riket than for anybody else
NEW_YEAR = ("N03920", 2025)  # reported by every second municipality the second time
NO_EDUCATION = ("1462", "2284")  # Lilla Edet and Örnsköldsvik have no education in any year
SILENT = "1440"  # never reports anything about its labour-market unit
EMPTY_CLASSES = "1480"  # referral shares in its first and last year only

WHOLES = (1000, 1000, 1000, 1000, 990, 1010, 994, 1004, 970, 1011, 989)  # tenths of a per cent
NET, GROSS, INCOME = "N40011", "N40008", "N40002"


def first_state(seed: int = 7) -> Dataset:
    """Return the records of the source at the first fetch."""
    rng = Random(seed)  # noqa: S311 - reproducible data
    data: Dataset = {}
    _counts(data, rng)
    for name in compositions():
        if name.startswith(("referrals", "time_without", "enrolment", "participants_by_age", "education")):
            _composition(data, rng, name)
    _class_traps(data)
    _single_kpis(data, rng)
    _costs(data, rng)
    _riket(data)
    return dict(sorted(data.items()))


def second_state(seed: int = 7) -> Dataset:
    """Return the records at a later fetch: values revised, withdrawn in four ways, newly reported."""
    rng = Random(seed + 1)  # noqa: S311 - reproducible data
    data = first_state(seed)
    for key in [key for key in data if key[0] == EMPTY_LATER]:
        del data[key]
    for key, record in list(data.items()):
        if key[0] in ("N01951", "U31900") or key[1] == RIKET:
            continue
        chance = rng.random()
        if usable(record):
            _revise(data, key, record, chance)
        elif chance < 0.10 and measures()[key[0]].unit == "percent":
            data[key] = (7.5, "", False)
    for place in municipalities()[::2]:
        for gender in ("T", "K", "M"):
            data[NEW_YEAR[0], place, NEW_YEAR[1], gender] = (round(rng.uniform(2, 12), 6), "", False)
    return dict(sorted(data.items()))


def _revise(data: Dataset, key: Key, record: Record, chance: float) -> None:
    """Move a value, or withdraw it in one of four ways, or leave it as it is."""
    if chance < 0.01:
        data[key] = _moved(record)
        if measures()[key[0]].is_divided:
            _move_total(data, *key[:3])
    elif chance < 0.018:
        data[key] = (None, "Missing", False)
    elif chance < 0.022:
        data[key] = (None, "", True)
    elif chance < 0.025:
        data[key] = (None, "Privacy", False)
    elif chance < 0.03:
        del data[key]


def _moved(record: Record) -> Record:
    assert record[0] is not None
    return (round(record[0] + 1, 6) if record[0] < 90 else round(record[0] - 1, 6), "", False)


def _move_total(data: Dataset, kpi: str, place: str, year: int) -> None:
    """Keep the total of persons the sum of women and men after a revision."""
    if measures()[kpi].unit != "persons":
        return
    parts = [data.get((kpi, place, year, gender)) for gender in ("K", "M")]
    if all(part is not None and usable(part) for part in parts):
        data[kpi, place, year, "T"] = (sum(part[0] for part in parts if part), "", False)  # type: ignore[misc]


def _hole(rng: Random, data: Dataset, key: Key, value: float, rate: float) -> None:
    """Set a value, or at that rate one of the ways in which the source has none."""
    if rng.random() >= rate:
        data[key] = (float(value), "", False)
        return
    way = rng.random()
    if way < 0.15:
        data[key] = (float(value) if way < 0.05 else None, "", True)
    elif way < 0.75:
        data[key] = (None, rng.choice(NULL_STATUSES), False)


def _counts(data: Dataset, rng: Random) -> None:
    """Population and participants by gender: zeros, small units, lost genders, a year before the first."""
    for place in places():
        women = int(rng.lognormvariate(9, 1)) + 1500
        for year in YEARS:
            women += rng.randint(-40, 90)
            men = women + rng.randint(-300, 300)
            for gender, number in (("K", women), ("M", men), ("T", women + men)):
                if places()[place][1] == "L" or rng.random() > 0.004:
                    data["N01951", place, year, gender] = (float(number), "", False)
    for place in municipalities():
        for kpi, years in (("U40800", YEARS), ("U40803", range(2020, 2025)), ("U40450", range(2021, 2025))):
            size = int(rng.choice((6, 40, 90, 200, 600)) * rng.uniform(0.7, 1.3))
            for year in years:
                if place == SILENT or (kpi == "U40800" and year == 2016 and rng.random() > 0.08):
                    continue
                size = max(0, size + rng.randint(-8, 8))
                if rng.random() < 0.02:
                    size = 0 if size < 60 else size
                _gendered(data, rng, (kpi, place, year), size)
        for year in range(2020, 2025):
            if place != SILENT:
                _hole(rng, data, (ONLY_TOTALS, place, year, "T"), rng.randint(0, 400), 0.15)


def _gendered(data: Dataset, rng: Random, cell: tuple[str, str, int], size: int) -> None:
    kpi, place, year = cell
    women = rng.randint(0, size)
    _hole(rng, data, (kpi, place, year, "T"), size, 0.12)
    total = data.get((kpi, place, year, "T"))
    if total is None or not usable(total):
        for gender in ("K", "M"):
            if rng.random() < 0.5:
                data[kpi, place, year, gender] = (None, "Missing", False)
        return
    for gender, number in (("K", women), ("M", size - women)):
        _hole(rng, data, (kpi, place, year, gender), number, 0.06)


def _split(rng: Random, n: int, whole: int, step: int) -> list[float]:
    """Return n shares that sum to `whole` tenths of a per cent, in multiples of `step` tenths."""
    units, rest = divmod(whole, step)
    cuts = sorted(rng.randint(0, units) for _ in range(n - 1))
    shares = [(b - a) * step for a, b in zip([0, *cuts], [*cuts, units], strict=True)]
    shares[shares.index(min(shares))] += rest
    largest, smallest = shares.index(max(shares)), shares.index(min(shares))
    excess = max(0, shares[largest] - 1000)  # no share above 100 per cent
    shares[largest] -= excess
    shares[smallest] += excess
    return [share / 10 for share in shares]


def _composition(data: Dataset, rng: Random, name: str) -> None:
    """Shares of one composition: complete, off the sum, incomplete, one part lost, missing, absent."""
    for place in municipalities():
        if place == SILENT or (place in NO_EDUCATION and name.startswith("education")):
            continue
        for year in YEARS:
            parts = [part for part in compositions()[name] if part.valid(year)]
            if not parts:
                continue
            first = min(measures()[part.kpi_id].first_year or year for part in parts)
            if (year < first and rng.random() > 0.1) or rng.random() < 0.05:
                continue  # absent
            shares = _split(rng, len(parts), rng.choice(WHOLES), rng.choice((1, 1, 10)))
            kind = rng.random()
            if 0.80 <= kind < 0.86:  # the last part lost beside others that sum to 100
                shares = [*_split(rng, len(parts) - 1, 1000, 10), 0.0]
            for number, (part, share) in enumerate(zip(parts, shares, strict=True)):
                key = (part.kpi_id, place, year, "T")
                is_last = number == len(parts) - 1
                if kind >= 0.94:
                    data[key] = (None, rng.choice(NULL_STATUSES), False)
                elif (0.80 <= kind < 0.86 and is_last) or (kind >= 0.86 and rng.random() < 0.4):
                    _hole(rng, data, key, share, 1.0)
                else:
                    data[key] = (share, "", False)


def _class_traps(data: Dataset) -> None:
    """Shares on the bounds of the classes, alone and as sums; a municipality with two years only."""
    bounds = ((14.4, 0.1), (14.5, 0.1), (14.0, 0.5), (49.4, 0.1), (49.5, 0.4), (8.2, 6.3), (34.4, 15.1))
    for place, (af, with_services) in zip(municipalities()[20:], bounds * 12, strict=False):
        for year in (2022, 2023):
            rest = round(100 - af - with_services, 1)
            shares = {"U40806": af, "U40824": with_services, "U40807": 0.0, "U40808": 0.0}
            shares |= {"U40809": rest, "U40810": 0.0}
            for kpi, share in shares.items():
                data[kpi, place, year, "T"] = (share, "", False)
    for year in range(2018, 2024):
        for kpi in ("U40806", "U40824", "U40807", "U40808", "U40809", "U40810"):
            data.pop((kpi, EMPTY_CLASSES, year, "T"), None)
    data["U40806", EMPTY_CLASSES, 2017, "T"] = (60.0, "", False)
    data["U40806", EMPTY_CLASSES, 2024, "T"] = (14.499999, "", False)


def _single_kpis(data: Dataset, rng: Random) -> None:
    """Measures that stand alone; coarse values, so that groups have ties of minimum and maximum."""
    draws: dict[str, tuple[range, float, Callable[[], float]]] = {
        "U40455": (range(2016, 2025), 0.2, lambda: float(rng.randint(0, 20) * 5)),
        "U40000": (range(2020, 2025), 0.2, lambda: rng.randint(0, 60) / 4),
        "U40831": (range(2020, 2024), 0.1, lambda: float(rng.randint(0, 1))),
        "N03932": (range(2019, 2024), 0.02, lambda: round(rng.uniform(2, 14), 1)),
        "N03920": (range(2016, 2025), 0.02, lambda: rng.uniform(2, 12)),
        FAILS_FIRST: (range(2019, 2025), 0.02, lambda: round(rng.uniform(2, 12), 1)),
        LATE_RIKET: (range(2016, 2024), 0.03, lambda: round(rng.uniform(1, 8), 1)),
        "U31900": (range(2021, 2025), 0.05, lambda: float(rng.randint(1, 8))),
        DIVIDED_AFTER_ALL: (range(2021, 2024), 0.05, lambda: float(rng.randint(20, 900))),
        EMPTY_LATER: (range(2022, 2024), 0.02, lambda: round(rng.uniform(0.3, 900), 1)),
    }
    for kpi, (years, rate, draw) in draws.items():
        is_divided = measures()[kpi].is_divided or kpi == DIVIDED_AFTER_ALL
        for place in municipalities():
            if place == SILENT and measures()[kpi].is_kas:
                continue
            for year in years:
                for gender in ("T", "K", "M") if is_divided else ("T",):
                    _hole(rng, data, (kpi, place, year, gender), draw(), rate)
    for members in groups().values():
        for member in members[:2]:
            data[LATE_RIKET, member, 2023, "T"] = (0.5, "", False)
        for member in members[-2:]:
            data["N03932", member, 2023, "T"] = (14.5, "", False)


def _costs(data: Dataset, rng: Random) -> None:
    for place in municipalities():
        for year in YEARS:
            net = round(rng.uniform(-20, 900), 6)
            income = round(rng.uniform(0, 300), 6)
            for kpi, number in ((NET, net), (GROSS, round(net + income, 6)), (INCOME, income)):
                _hole(rng, data, (kpi, place, year, "T"), number, 0.03)
    zeros = [key for key, record in data.items() if key[0] == "U40800" and key[3] == "T" and record[0] == 0]
    for number, (_, place, year, _) in enumerate(zeros):
        if number % 4 == 0:  # nobody took part, and the cost is unknown as well
            data[NET, place, year, "T"] = (None, "Missing", False)


def _riket(data: Dataset) -> None:
    """Riket: null for the questionnaire, values of its own elsewhere; regions in one register measure."""
    cells = {(kpi, year, gender) for kpi, _, year, gender in data if kpi != "N01951"}
    for kpi, year, gender in cells:
        if measures()[kpi].is_kas or kpi == "U31900":
            data[kpi, RIKET, year, gender] = (None, "Missing", False)
        else:
            data[kpi, RIKET, year, gender] = (5.25, "", False)
    data[LATE_RIKET, RIKET, 2024, "T"] = (4.75, "", False)
    for place, (_, kind) in places().items():
        if kind == "L" and place != RIKET:
            data["N03932", place, 2023, "T"] = (6.5, "", False)
