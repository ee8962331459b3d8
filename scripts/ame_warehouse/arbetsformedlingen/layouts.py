"""The files of Arbetsförmedlingen that are loaded: prefix, shape, tables, columns with every name they are
known by.

A new file, sheet, column name or measure is a line here; no reader changes. Source of the names: the
project's notes on AF's files (layouts known from files and from public clients).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

Shape = Literal["pivot", "sheets", "pivot_or_sheets", "rusta_och_matcha"]
MEASURE, OTHER, PERIOD = "measure", "other", "period"
BLANKS = re.compile(r"\s+")
ROM_PAGE = "/for-leverantorer/arbetsmarknadstjanster/rusta-och-matcha"


def normal(name: object) -> str:
    """Return a column, sheet or field name as it is compared: composed letters, single blanks, no case."""
    text = unicodedata.normalize("NFC", str(name)).replace("\ufeff", "")
    return BLANKS.sub(" ", text).strip().casefold()


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        role: `period`, `county`, `municipality`, `gender`, `age`, `education`, `birth`, `measure`, or
            `other` (a further category that is carried as `NAME=value`).
        name: canonical name (`measure_raw` of a measure).
        synonyms: other names that the column is known by.
        required: the table cannot be used without it.
    """

    role: str
    name: str
    synonyms: tuple[str, ...] = ()
    required: bool = True

    @property
    def names(self) -> frozenset[str]:
        """All names, ready for comparison."""
        return frozenset(normal(name) for name in (self.name, *self.synonyms))


@dataclass(frozen=True)
class Table:
    """One sheet or one pivot cache: its name here, the sheet names it is known by, and its columns."""

    name: str
    columns: tuple[Column, ...]
    sheets: tuple[str, ...] = ()
    required: bool = True

    def column(self, name: str) -> Column | None:
        """Return the column that is known by a name."""
        wanted = normal(name)
        return next((column for column in self.columns if wanted in column.names), None)

    @property
    def required_columns(self) -> tuple[Column, ...]:
        """The columns that the table cannot do without."""
        return tuple(column for column in self.columns if column.required)


@dataclass(frozen=True)
class Layout:
    """One published file.

    Args:
        dataset: id used everywhere downstream.
        prefix: file name before the month, anchored at both ends.
        title: what the file holds, in Swedish.
        shape: which reader.
        required: no link at all on the page is an error (else a warning).
        release_group: files of one group are used together: all of them, or the older release of all.
        page: path of a further page on the same host that links the file, when the index page does not.
        every_period: each file is a period of its own; all that are linked are loaded, not only the newest.
        pattern: file-name pattern (normalised name) in place of the prefix rule; must have a group `month`.
        title_sheets: sheets of which the title says the age span.
        denominator: labour-force register of the shares (`BAS`, `RAMS`), else None.
        frozen: the series has ended; its month never moves.
    """

    dataset: str
    prefix: str
    title: str
    shape: Shape
    tables: tuple[Table, ...] = ()
    required: bool = True
    release_group: str | None = None
    page: str | None = None
    every_period: bool = False
    pattern: str | None = None
    title_sheets: tuple[str, ...] = ()
    denominator: str | None = None
    frozen: bool = False
    _compiled: dict[str, re.Pattern[str]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name_pattern(self) -> re.Pattern[str]:
        """Pattern of the file name as `file_key` gives it; the group `month` is YYYY-MM."""
        if "name" not in self._compiled:
            body = self.pattern or re.escape(self.prefix) + r"-(?P<month>\d{4}-\d{2})"
            self._compiled["name"] = re.compile(body + r"\.(?P<suffix>xlsx|csv|txt)")
        return self._compiled["name"]


def file_key(name: str) -> str:
    """Return a file name as it is matched: no case, `_` and blanks as `-`, Swedish letters without marks."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[-_\s]+", "-", plain).strip("-")


_PERIOD = Column(PERIOD, "PERIOD", ("MÅNAD", "ÅRMÅNAD"))
_COUNTY = Column("county", "LAN", ("LÄN", "LAN_BESKR", "LÄN_BESKR", "LANSNAMN"))
_MUNICIPALITY = Column("municipality", "KOMMUN_BESKR", ("KOMMUN", "KOM", "KOMMUNNAMN", "KOM_BESKR"))
_GENDER = Column("gender", "KOEN", ("KÖN", "KON"))
_AGE = Column("age", "ALDGR", ("ALDER", "ÅLDER", "ÅLDERSGRUPP", "ALDERSGRUPP"))
_BIRTH = Column("birth", "FODLGRP", ("FÖDELSELAND", "FODELSELAND", "FÖDLGRP", "FLAND"))
_EDUCATION = Column("education", "UTBILDNING", ("UTBILDNINGSNIVÅ", "UTBILDNINGSNIVA"))
_INSAL = Column(MEASURE, "INSAL", ("INSKRIVNA", "INSKRIVNA ARBETSLÖSA"))


def _without(months: int, *more: str) -> Column:
    return Column(
        MEASURE,
        f"UA{months:02d}",
        (
            f"Utan arbete mer än {months} månader",
            f"Utan arbete mer än {months} mån",
            f"KUA{months:02d}",
            *more,
        ),
    )


def _flag(name: str) -> Column:
    return Column(OTHER, name)


def _cache(name: str, *columns: Column) -> Table:
    return Table(name, (_PERIOD, *columns))


def _sheet(name: str, synonyms: tuple[str, ...], dimension: Column | None) -> Table:
    columns = (_PERIOD, _COUNTY, _MUNICIPALITY, *([dimension] if dimension else []))
    counts = (
        Column(MEASURE, "ARBETSLOSA", ("ARBETSLÖSA", "INSKRIVNA ARBETSLÖSA")),
        _without(6),
        _without(12),
        _without(24),
    )
    return Table(name, (*columns, *counts), (name, *synonyms))


# Count and denominator in pairs: TOTSOK/TOTAK, UNGKSOK/UNGKAK …; K and M = women and men.
SHARE_GROUPS: dict[str, str] = {
    "TOT": "Totalt",
    "KVI": "Kvinnor",
    "MAN": "Män",
    "UNG": "Unga 18-24",
    "UNGK": "Unga KVI",
    "UNGM": "Unga MÄN",
    "GAM": "Äldre 55-64",
    "GAMK": "Äldre KVI",
    "GAMM": "Äldre MÄN",
    "INR": "Inrikesfödda",
    "INRK": "Inrikes KVI",
    "INRM": "Inrikes MÄN",
    "UTR": "Utrikesfödda",
    "UTRK": "Utrikes KVI",
    "UTRM": "Utrikes MÄN",
    "FG": "Förgymn",
    "FGK": "Fg KVI",
    "FGM": "Fg MÄN",
    "GY": "Gymn",
    "GYK": "Gy KVI",
    "GYM": "Gy MÄN",
    "EG": "Eftergymn",
    "EGK": "Eg KVI",
    "EGM": "Eg MÄN",
}
_CORE = ("TOT", "KVI", "MAN")
_PAIRS = tuple(
    Column(MEASURE, f"{group}{part}", (), group in _CORE) for group in SHARE_GROUPS for part in ("SOK", "AK")
)
_SHARES = tuple(
    Column(MEASURE, f"{group}ANDEL", (title,), group == "TOT") for group, title in SHARE_GROUPS.items()
)
_SHARE_TABLES = (
    Table("cache", (_PERIOD, _COUNTY, _MUNICIPALITY, *_PAIRS)),
    Table("Antal", (_PERIOD, _COUNTY, _MUNICIPALITY, *_PAIRS), ("Antal",)),
    Table("Andel", (_PERIOD, _COUNTY, _MUNICIPALITY, *_SHARES), ("Andel",)),
)

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "sok_lan_kom",
        "web-sok-lan-kom",
        "Inskrivna arbetslösa per län och kommun, efter kön och ålder, födelseland eller utbildning",
        "pivot",
        (
            _cache("age", _GENDER, _COUNTY, _MUNICIPALITY, _AGE, _INSAL),
            _cache("birth", _GENDER, _COUNTY, _MUNICIPALITY, _BIRTH, _INSAL),
            Table(
                "education",
                (_PERIOD, _GENDER, _COUNTY, _MUNICIPALITY, _EDUCATION, _INSAL),
                required=False,
            ),
        ),
        release_group="manadsstatistik",
    ),
    Layout(
        "tid_utan_arbete_lan_kom",
        "web-inskrivna-arbetslosa-tid-utan-arbete-lan-kom",
        "Inskrivna arbetslösa och utan arbete mer än 6, 12 och 24 månader per län och kommun",
        "sheets",
        (
            _sheet("Total", ("Totalt",), None),
            _sheet("Kön", ("Kon",), _GENDER),
            _sheet("Ålder", ("Alder",), _AGE),
            _sheet("Utbildningsnivå", ("Utbildningsniva", "Utbildning"), _EDUCATION),
            _sheet("Födelseland", ("Fodelseland",), _BIRTH),
        ),
        release_group="manadsstatistik",
    ),
    Layout(
        "andel_av_bas",
        "web-inskrivna-arbetslosa-andel-av-bas",
        "Inskrivna arbetslösa som andel av arbetskraften enligt BAS",
        "pivot_or_sheets",
        _SHARE_TABLES,
        release_group="manadsstatistik",
        title_sheets=("Antal", "Andel"),
        denominator="BAS",
    ),
    Layout(
        "andel_av_reg",
        "web-inskrivna-arbetslosa-andel-av-reg",
        "Inskrivna arbetslösa som andel av den registerbaserade arbetskraften (RAMS), avslutad serie",
        "pivot_or_sheets",
        _SHARE_TABLES,
        required=False,
        title_sheets=("Antal", "Andel"),
        denominator="RAMS",
        frozen=True,
    ),
    Layout(
        "svag_konkurrensformaga",
        "web-inskrivna-arbetslosa-svag-konkurrensformaga",
        "Inskrivna arbetslösa med svag konkurrensförmåga",
        "pivot",
        (
            _cache(
                "cache",
                _GENDER,
                _COUNTY,
                _MUNICIPALITY,
                _flag("KUA06"),
                _flag("KUA12"),
                _flag("KUA24"),
                Column(MEASURE, "UTSATTA"),
                Column(MEASURE, "SAMTLIGA"),
            ),
        ),
        required=False,
    ),
    Layout(
        "tid_riket",
        "web-tid-riket",
        "Inskrivna arbetslösa och tid utan arbete, riket",
        "pivot",
        (
            _cache(
                "cache",
                _GENDER,
                _AGE,
                _flag("FH"),
                _BIRTH,
                _EDUCATION,
                _INSAL,
                Column(MEASURE, "UA06"),
                Column(MEASURE, "UA12"),
                Column(MEASURE, "UA24"),
            ),
        ),
        required=False,
    ),
    Layout(
        "rusta_och_matcha",
        "rusta-och-matcha-resultatuppfoljning",
        "Rusta och matcha: resultatuppföljning per leverantörsavtal",
        "rusta_och_matcha",
        page=ROM_PAGE,
        every_period=True,
        pattern=r"(?:[a-z0-9]+-)*resultatuppfoljning(?:-[a-z]+)*-(?P<month>\d{4}-\d{2})",
    ),
)


def layout_of(dataset: str) -> Layout:
    """Return the layout of a dataset; raises `KeyError` for an unknown one."""
    return {layout.dataset: layout for layout in LAYOUTS}[dataset]
