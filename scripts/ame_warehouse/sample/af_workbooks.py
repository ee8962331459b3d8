"""Workbooks in the layouts of Arbetsförmedlingen, made from synthetic figures; the sample source and the
tests use them.

Every workbook says in its title and on a sheet that it is synthetic. Names of suppliers and agreements are
invented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ame_warehouse.arbetsformedlingen.layouts import SHARE_GROUPS
from ame_warehouse.sample.af_cube import DURATIONS, PLACES, Cube, Row, noise
from ame_warehouse.sample.af_xlsx import (
    SYNTHETIC,
    CacheField,
    Cell,
    PivotCache,
    Sheet,
    Workbook,
    cache_of,
    write,
)

FIRST, BAS_FIRST, RAMS_LAST = "2021-01", "2022-01", "2022-12"
WITHOUT = tuple(f"Utan arbete mer än {months} månader" for months in DURATIONS)
SMALLEST = 5
WEIGHTS = {"A": 0.7, "B": 0.96, "C": 1.31}
AREAS = ("Exempelområde Nord", "Exempelområde Syd", "Exempelområde Väst")
Build = Callable[[Path], None]


@dataclass(frozen=True)
class Release:
    """What AF would publish on one day: the files by name, and the day (vintage)."""

    vintage: str
    month: str
    files: dict[str, Build]


def releases() -> list[Release]:
    """Return the two releases of the sample; the second adds a month and revises the one before."""
    first, second = Cube(FIRST, "2022-12"), Cube(FIRST, "2023-01")
    return [
        Release("2023-01-23", "2022-12", _files(first, "2022-12", {"2022-11": rom_book("2022-11", 0, True)})),
        Release(
            "2023-02-23",
            "2023-01",
            _files(
                second,
                "2023-01",
                {"2022-11": rom_book("2022-11", 1, True), "2023-01": rom_book("2023-01", 0, False)},
            ),
        ),
    ]


def _files(cube: Cube, month: str, results: dict[str, Workbook]) -> dict[str, Build]:
    span = "16–64" if month < "2023-01" else "16–65"
    books: dict[str, Callable[[], Workbook]] = {
        f"web-sok-lan-kom-{month}.xlsx": lambda: sok_book(cube),
        f"web-inskrivna-arbetslosa-tid-utan-arbete-lan-kom-{month}.xlsx": lambda: tid_book(cube),
        f"Web-inskrivna-arbetslosa-andel-av-bas_{month}.xlsx": lambda: bas_book(cube, span),
        f"web-inskrivna-arbetslosa-andel-av-reg-{RAMS_LAST}.xlsx": lambda: reg_book(Cube(FIRST, RAMS_LAST)),
        f"web-inskrivna-arbetslosa-svag-konkurrensformaga-{month}.xlsx": lambda: svag_book(cube),
        f"web-tid-riket-{month}.xlsx": lambda: riket_book(cube),
    }

    files: dict[str, Build] = {name: partial(_write_made, make) for name, make in books.items()}
    for period, book in results.items():
        files[f"rusta-och-matcha_resultatuppfoljning_{period}.xlsx"] = partial(_write_book, book)
    return files


def _write_made(make: Callable[[], Workbook], path: Path) -> None:
    write(path, make())


def _write_book(book: Workbook, path: Path) -> None:
    write(path, book)


def info_sheet(text: str) -> Sheet:
    """Return the sheet `Info`, which says that the figures are synthetic."""
    return Sheet("Info", [(SYNTHETIC,), (text,)])


def misleading_sheet() -> Sheet:
    """Return the visible sheet of a pivot workbook: a filter view of one place and month, with other
    figures.
    """
    return Sheet(
        "Tabell",
        [
            (SYNTHETIC,),
            ("LAN", "Hallands län"),
            (),
            ("PERIOD", "KOMMUN_BESKR", "INSAL"),
            ("1999-01", "Filtervy", 99999),
        ],
    )


def sok_book(cube: Cube, numbers: Sequence[int] = (3, 2, 1)) -> Workbook:
    """Return `web-sok-lan-kom`: three caches (age, country of birth, education), no county or national rows.

    The numbers of the caches are as they come; a calculated field stands among the others; the
    municipality is missing (`m`) in one county.
    """
    dimensions: tuple[tuple[str, Callable[[Row], str]], ...] = (
        ("ALDGR", lambda row: row.age),
        ("FODLGRP", lambda row: row.birth),
        ("UTBILDNING", lambda row: row.education),
    )
    caches = [_sok_cache(cube, name, value) for name, value in dimensions]
    return Workbook([misleading_sheet(), info_sheet("Inskrivna arbetslösa")], caches, numbers)


def _sok_cache(cube: Cube, name: str, value: Callable[[Row], str]) -> PivotCache:
    sums = cube.summed(lambda row: (row.month, row.gender, row.county, row.municipality, value(row)))
    rows: list[Sequence[Cell]] = [(*key, numbers[0]) for key, numbers in sums.items()]
    names = ("PERIOD", "KOEN", "LAN", "KOMMUN_BESKR", name, "INSAL")
    return cache_of(rows, names, names[:-1], [CacheField("Andel av alla", formula="INSAL /100")])


def tid_book(cube: Cube, header_row: int = 5) -> Workbook:
    """Return `tid-utan-arbete-lan-kom`: sheets with real cells; `<5` once a category is crossed."""
    sheets: list[Sheet] = [info_sheet("Inskrivna arbetslösa och tid utan arbete")]
    plain: tuple[tuple[str, str | None, Callable[[Row], tuple[str, ...]]], ...] = (
        ("Total", None, lambda _row: ()),
        ("Kön", "KOEN", lambda row: (row.gender,)),
        ("Ålder", "ÅLDER", lambda row: (row.age,)),
        ("Utbildningsnivå", "UTBILDNINGSNIVÅ", lambda row: (row.education,)),
        ("Födelseland", "FÖDELSELAND", lambda row: (row.birth,)),
    )
    for title, column, category in plain:
        sums = cube.summed(lambda row, c=category: (row.month, row.county, row.municipality, *c(row)))  # type: ignore[misc]
        names = ("PERIOD", "LÄN", "KOMMUN", *([column] if column else []), "ARBETSLÖSA", *WITHOUT)
        rows: list[Sequence[Cell]] = [("Inskrivna arbetslösa, 16–64 år",), (SYNTHETIC,)]
        rows += [()] * (header_row - 1 - len(rows))
        rows.append(names)
        rows += [(*key, *(masked(number, column) for number in numbers)) for key, numbers in sums.items()]
        sheets.append(Sheet(title, rows, dimension="A1:A1" if title == "Ålder" else None))
    return Workbook(sheets)


def masked(number: int, column: str | None) -> Cell:
    """Return a number as printed: `<5` for 1 to 4 where a category is crossed."""
    return f"<{SMALLEST}" if column and 0 < number < SMALLEST else number


SHARE_RULES: dict[str, Callable[[Row], bool]] = {
    "TOT": lambda _row: True,
    "UNG": lambda row: row.age == "16-24",
    "GAM": lambda row: row.age == "55-64",
    "INR": lambda row: row.birth == "Inrikes född",
    "UTR": lambda row: row.birth == "Utrikes född",
    "FG": lambda row: row.education == "Förgymnasial",
    "GY": lambda row: row.education == "Gymnasial",
    "EG": lambda row: row.education == "Eftergymnasial",
}
FORCE_SHARES = {
    "TOT": 1.0,
    "UNG": 0.11,
    "GAM": 0.19,
    "INR": 0.78,
    "UTR": 0.22,
    "FG": 0.09,
    "GY": 0.45,
    "EG": 0.46,
}


def _share_rows(cube: Cube, first: str) -> Iterator[list[Cell]]:
    """Yield month, county, municipality, then count and labour force for every group of `SHARE_GROUPS`."""
    counts: dict[tuple[str, str, str | None], dict[str, int]] = {}
    for row in cube.rows:
        if row.month < first or row.municipality in (None, "Uppgift saknas"):
            continue
        found = counts.setdefault((row.month, row.county, row.municipality), dict.fromkeys(SHARE_GROUPS, 0))
        for name, rule in SHARE_RULES.items():
            if rule(row):
                women = row.gender == "Kvinnor"
                found[name] += row.count
                found[("KVI" if women else "MAN") if name == "TOT" else name + ("K" if women else "M")] += (
                    row.count
                )
    for (month, county, place), found in counts.items():
        force = cube.labour_force(place, county, month)
        cells: list[Cell] = [month, county, place]
        for name in SHARE_GROUPS:
            base = {"KVI": "TOT", "MAN": "TOT"}.get(name, name if name in FORCE_SHARES else name[:-1])
            sex = 1.0 if name in FORCE_SHARES else (0.48 if name == "KVI" or name[-1] == "K" else 0.52)
            cells += [found[name], force * FORCE_SHARES[base] * sex]
        yield cells


def _share_names() -> list[str]:
    return ["PERIOD", "LAN", "KOM", *(f"{group}{part}" for group in SHARE_GROUPS for part in ("SOK", "AK"))]


def bas_book(cube: Cube, span: str) -> Workbook:
    """Return `andel-av-bas`: the data in a cache with calculated shares, the age span only in the title of
    the sheets.
    """
    rows = list(_share_rows(cube, BAS_FIRST))
    calculated = [CacheField(title, formula=f"{name}SOK/{name}AK") for name, title in SHARE_GROUPS.items()]
    cache = cache_of(rows, _share_names(), ("PERIOD", "LAN", "KOM"), calculated)
    title = f"Inskrivna arbetslösa som andel av arbetskraften (BAS), {span} år"
    shown = [row[:5] for row in rows[-3:]]
    sheets = [
        info_sheet("Andel av arbetskraften enligt BAS"),
        Sheet("Antal", [(title,), (SYNTHETIC,), (), tuple(_share_names()[:5]), *shown]),
        Sheet(
            "Andel", [(title,), (SYNTHETIC,), (), ("PERIOD", "KOM", "Totalt"), ("2022-01", "Filtervy", 0.5)]
        ),
    ]
    return Workbook(sheets, [cache])


def reg_book(cube: Cube, header_row: int = 9) -> Workbook:
    """Return `andel-av-reg`: real cells, header on row 9, shares as fractions."""
    rows = list(_share_rows(cube, FIRST))
    title = "Inskrivna arbetslösa som andel av den registerbaserade arbetskraften, 16–64 år"
    above: list[Sequence[Cell]] = [(title,), (SYNTHETIC,), *([()] * (header_row - 3))]
    shares: list[Sequence[Cell]] = []
    for row in rows:
        numbers = [number for number in row[3:] if not isinstance(number, str) and number is not None]
        parts = [
            count / force if force else None for count, force in zip(numbers[::2], numbers[1::2], strict=True)
        ]
        shares.append([*row[:3], *parts])
    return Workbook(
        [
            info_sheet("Andel av den registerbaserade arbetskraften (RAMS)"),
            Sheet("Antal", [*above, tuple(_share_names()), *rows]),
            Sheet("Andel", [*above, ("PERIOD", "LÄN", "KOMMUN", *SHARE_GROUPS.values()), *shares]),
        ]
    )


def svag_book(cube: Cube) -> Workbook:
    """Return `svag-konkurrensformaga`: KUA06, KUA12 and KUA24 are flags (Ja/Nej), not figures."""
    sums = cube.summed(lambda row: (row.month, row.gender, row.county, row.municipality))
    rows: list[Sequence[Cell]] = []
    for key, (total, six, twelve, two_years) in sums.items():
        parts = [(total - six, "Nej", "Nej", "Nej"), (six - twelve, "Ja", "Nej", "Nej")]
        parts += [(twelve - two_years, "Ja", "Ja", "Nej"), (two_years, "Ja", "Ja", "Ja")]
        rows += [(*key, *flags, round(number * 0.6), number) for number, *flags in parts]
    names = ("PERIOD", "KOEN", "LAN_BESKR", "KOMMUN_BESKR", "KUA06", "KUA12", "KUA24", "UTSATTA", "SAMTLIGA")
    return Workbook(
        [misleading_sheet(), info_sheet("Svag konkurrensförmåga")], [cache_of(rows, names, names[:-2])]
    )


def riket_book(cube: Cube) -> Workbook:
    """Return `web-tid-riket`: the sum of all places, the unknown ones included."""
    sums = cube.summed(lambda row: (row.month, row.gender, row.age, row.birth, row.education))
    names = ("PERIOD", "KOEN", "ALDGR", "FH", "FLAND", "UTBILDNING", "INSAL", "UA06", "UA12", "UA24")
    rows: list[Sequence[Cell]] = []
    for (month, gender, age, birth, education), numbers in sums.items():
        part = [number // 8 for number in numbers]
        rest = [number - less for number, less in zip(numbers, part, strict=True)]
        rows += [
            (month, gender, age, flag, birth, education, *some)
            for flag, some in (("Ja", part), ("Nej", rest))
        ]
    return Workbook([misleading_sheet(), info_sheet("Riket")], [cache_of(rows, names, names[:6])])


def rom_columns(with_risk: bool) -> list[str]:
    """Return the headings of the results sheet; RISKERAR HÄVNING is absent in some releases."""
    names = ["PERIOD", "LEVERANSOMRÅDE", "LEVERANTÖRNAMN", "KA-NUMMER", "STARTDATUM AVTAL"]
    names += ["AVTAL HAR VARIT AKTIVT I 22 MÅNADER", "BETYG", "BETYG 1 ELLER SAKNAR BETYG"]
    names += ["VIKTAT RESULTATMÅTT", "VIKTAT RESULTATMÅTT LÄGRE ÄN 0,2"]
    names += ["RISKERAR HÄVNING"] if with_risk else []
    names += ["ANTAL DELTAGARE", *(f"ANTAL DELTAGARE NIVÅ {level}" for level in "ABC")]
    return names + [f"ANTAL {part} NIVÅ {level}" for level in "ABC" for part in ("RR1", "RR2")]


def rom_book(period: str, revision: int, with_risk: bool, agreements: int = 24) -> Workbook:
    """Return a result file of Rusta och matcha; a later revision raises some results."""
    rows: list[Sequence[Cell]] = [tuple(rom_columns(with_risk))]
    for number in range(agreements):
        people = [3 + round(40 * noise("people", number, level, period)) for level in "ABC"]
        first = [
            round(n * 0.3 * noise("rr1", number, level, period))
            for n, level in zip(people, "ABC", strict=True)
        ]
        if revision and number % 2 == 0:
            first[1] += revision
        second = [n // 2 for n in first]
        total = sum(people)
        weighted = sum((a + b) * WEIGHTS[level] for a, b, level in zip(first, second, "ABC", strict=True)) / (
            2 * total
        )
        rating: Cell = "-" if total < 40 else 1 + round(3 * noise("rating", number))  # noqa: PLR2004
        low = weighted < 0.2  # noqa: PLR2004
        poor = rating in ("-", 1)
        row: list[Cell] = [
            period,
            AREAS[number % len(AREAS)],
            f"Exempel Leverantör {number % 7:02d} AB (syntetisk)",
        ]
        row += [
            99000001 + number,
            "2020-05-04",
            "Ja" if number % 4 else "Nej",
            rating,
            "Ja" if poor else "Nej",
        ]
        row += [round(weighted, 3), "Ja" if low else "Nej"]
        row += ["Ja" if low and poor else "Nej"] if with_risk else []
        row += [total, *people]
        for one, two in zip(first, second, strict=True):
            row += [one, two]
        rows.append(row)
    rows += [()] * 8
    weights: list[Sequence[Cell]] = [
        ("Vikter",),
        (),
        *((f"Vikt nivå {level}", w) for level, w in WEIGHTS.items()),
    ]
    return Workbook(
        [
            Sheet(f"Beskrivning {period}", [(SYNTHETIC,)]),
            Sheet(f"Resultat {period}", rows, dimension=f"A1:U{len(rows)}"),
            Sheet(f"Beräkningssnurra {period}", [("Beräkningssnurra för resultatmått",), (), *weights]),
        ]
    )


def big_pivot(path: Path, records: int, level: int = 6) -> None:
    """Write a pivot workbook with one cache of so many records, without holding them.

    With about 7 million records the file has the size of AF's largest (about 60 MB).
    """
    months = [f"{year}-{month:02d}" for year in range(1996, 2024) for month in range(1, 13)]
    counties = sorted({county for county, _, _, _ in PLACES})
    places = [f"Kommun {number:03d}" for number in range(290)]
    ages = ["16-24", "25-29", "30-34", "35-39", "40-44", "45-49", "50-54", "55-59", "60-64"]
    fields = [
        CacheField("PERIOD", months),
        CacheField("KOEN", ["Kvinnor", "Män"]),
        CacheField("LAN", counties),
        CacheField("KOMMUN_BESKR", places),
        CacheField("Andel av alla", formula="INSAL/100"),
        CacheField("ALDGR", ages),
        CacheField("INSAL"),
    ]

    def made() -> Iterator[str]:
        state = 12345
        for number in range(records):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            place, rest = number % 290, number // 290
            age, rest = rest % 9, rest // 9
            county = place % len(counties)
            town = "<m/>" if place == 289 else f'<x v="{place}"/>'  # noqa: PLR2004
            yield (
                f'<r><x v="{rest // 2 % len(months)}"/><x v="{rest % 2}"/><x v="{county}"/>{town}'
                f'<x v="{age}"/><n v="{state >> 16 & 1023}"/></r>'
            )

    write(path, Workbook([misleading_sheet()], [PivotCache(fields, made(), records)]), level)
