"""Put the dictionary together: the description of each column, and unit, denominator, source by the rules."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ame_warehouse.dictionary.project import RawTable, Seeds, raw_tables, seeds
from ame_warehouse.errors import SeedError
from ame_warehouse.settings import Settings

RULED = ("unit", "denominator", "source_ids", "kpi_ids", "caveats", "data_from", "since")
NO_QUANTITY = frozenset(
    [
        "text",
        "code",
        "identifier",
        "list of identifiers",
        "ordinal number",
        "true or false",
        "date",
        "time (UTC)",
        "year",
        "month",
        "period (YYYY or YYYY-MM)",
    ]
)
"""Units of what is no quantity: without denominator, and without the caveats of the table."""
OWN = "own"


@dataclass(frozen=True)
class Entry:
    """One published column. `source` is in words; the lists are empty where nothing applies."""

    schema: str
    table: str
    column: str
    position: int
    label_sv: str | None
    data_type: str
    is_key: bool
    meaning: str
    unit: str
    denominator: str | None
    source_ids: list[str]
    source: str
    kpi_ids: list[str]
    data_from_year: int | None
    since: str
    caveats: list[str]

    def as_row(self) -> dict[str, Any]:
        """Return the row of `quality.dictionary`: lists as text, empty ones null."""
        return {
            "schema_name": self.schema,
            "table_name": self.table,
            "column_name": self.column,
            "position": self.position,
            "label_sv": self.label_sv,
            "data_type": self.data_type,
            "is_key": self.is_key,
            "meaning": self.meaning,
            "unit": self.unit,
            "denominator": self.denominator,
            "source_ids": ",".join(self.source_ids),
            "source": self.source,
            "kpi_ids": ",".join(self.kpi_ids) or None,
            "data_from_year": self.data_from_year,
            "since": self.since,
            "caveats": " ".join(self.caveats) or None,
        }

    def comment(self) -> str:
        """Return the text for the comment of the column in a database: meaning, unit, denominator, source."""
        parts = [self.meaning if self.meaning.endswith(".") else f"{self.meaning}."]
        if self.unit not in NO_QUANTITY:
            parts.append(f"Unit: {self.unit}.")
        if self.denominator:
            parts.append(f"Denominator: {self.denominator}.")
        parts.append(f"Source: {self.source}.")
        return " ".join(parts)


@dataclass(frozen=True)
class TableEntry:
    """One published table with its columns; `caveats` are those of the whole table.

    `references` are (column, model, column there).
    """

    schema: str
    name: str
    name_sv: str | None
    description: str
    key: list[str]
    source_ids: list[str]
    caveats: list[str]
    columns: list[Entry]
    references: list[tuple[str, str, str]]

    @property
    def full_name(self) -> str:
        """`marts.costs`."""
        return f"{self.schema}.{self.name}"


def dictionary(settings: Settings) -> list[TableEntry]:
    """Return the dictionary of every published table, by schema and name; empty without a dbt project.

    Raises `SeedError` when a column has no unit or no source, or when a rule names what does not exist.
    """
    tables = raw_tables(settings.project)
    if not tables:
        return []
    known = seeds(settings)
    check_rules(known)
    return [entry_of(table, known) for table in tables]


def check_rules(known: Seeds) -> None:
    """Raise `SeedError` when a rule names a source, a measure or a caveat that the seeds do not have."""
    for row in known.rules:
        for field, there in (
            ("source_ids", known.sources),
            ("kpi_ids", known.kpis),
            ("caveats", known.caveats),
        ):
            lacking = [item for item in _items(row[field]) if item not in there]
            if lacking:
                raise _wrong(
                    row["table_name"], row["column_name"], f"{field}: {', '.join(lacking)} is not known"
                )


def resolve(known: Seeds, table: str, column: str, data_type: str) -> dict[str, str]:
    """Return what the rules say of a column: those of its whole table first; later rows win."""
    found = resolve_table(known, table)
    for row in known.rules:
        by_type = row["column_name"].startswith("type:")
        subject = f"type:{data_type.lower()}" if by_type else column
        if row["column_name"] != "*" and _fits(table, row) and fnmatchcase(subject, row["column_name"]):
            found.update({name: row[name] for name in RULED if row[name]})
    return {name: "" if text == "-" else text for name, text in found.items()}


def resolve_table(known: Seeds, table: str) -> dict[str, str]:
    """Return what the rules say of all columns of a table (column_name `*`)."""
    found = dict.fromkeys(RULED, "")
    for row in known.rules:
        if row["column_name"] == "*" and _fits(table, row):
            found.update({name: row[name] for name in RULED if row[name]})
    return found


def _fits(table: str, row: dict[str, str]) -> bool:
    return fnmatchcase(table, row["table_name"])


def entry_of(table: RawTable, known: Seeds) -> TableEntry:
    """Return the entry of a table; raise `SeedError` for a column without unit or source."""
    whole = resolve_table(known, table.full_name)
    shared = [known.caveats[item] for item in _items(whole["caveats"])]
    base = _items(whole["source_ids"])
    columns = [_entry(table, number, known, base, shared) for number in range(len(table.columns))]
    return TableEntry(
        schema=table.schema,
        name=table.name,
        name_sv=known.tables_sv.get(table.full_name),
        description=table.description,
        key=table.key,
        source_ids=base,
        caveats=shared,
        columns=columns,
        references=table.references,
    )


def _entry(table: RawTable, number: int, known: Seeds, base: list[str], shared: list[str]) -> Entry:
    name, data_type, meaning = table.columns[number]
    ruled = resolve(known, table.full_name, name, data_type)
    for needed in ("unit", "source_ids", "since"):
        if not ruled[needed]:
            raise _wrong(table.full_name, name, f"no {needed}")
    kpis = _items(ruled["kpi_ids"])
    source_ids = _items(ruled["source_ids"])
    own_caveats = [known.caveats[item] for item in _items(ruled["caveats"])]
    is_quantity = ruled["unit"] not in NO_QUANTITY
    years = [known.first_years[kpi] for kpi in kpis if kpi in known.first_years]
    first = max if source_ids == [OWN] else min  # a derived figure needs all of its inputs
    return Entry(
        schema=table.schema,
        table=table.name,
        column=name,
        position=number + 1,
        label_sv=known.labels.get(name),
        data_type=data_type.lower(),
        is_key=name in table.key,
        meaning=meaning,
        unit=ruled["unit"],
        denominator=ruled["denominator"] or None,
        source_ids=source_ids,
        source=_source(source_ids, kpis, base, known),
        kpi_ids=kpis,
        data_from_year=int(ruled["data_from"]) if ruled["data_from"] else first(years, default=None),
        since=ruled["since"],
        caveats=list(dict.fromkeys([*own_caveats, *shared])) if is_quantity else [],
    )


def _source(ids: list[str], kpis: list[str], base: list[str], known: Seeds) -> str:
    """Say the source in words: `Kolada U40800 (original source: …)`, `own calculation from Kolada`."""
    origins = sorted(
        {known.kpis[kpi]["original_source"] for kpi in kpis if known.kpis[kpi]["original_source"]}
    )
    measures = f" {', '.join(kpis)}" if kpis else ""
    original = f" (original source: {'; '.join(origins)})" if origins else ""
    if ids == [OWN]:
        behind = [item for item in base if item != OWN]
        names = [known.sources[item]["name"] for item in (["kolada"] if kpis else behind)]
        return f"own calculation from {' and '.join(names)}{measures}{original}" if names else "own statement"
    return " and ".join(known.sources[item]["name"] for item in ids) + measures + original


def _items(text: str) -> list[str]:
    return [item for item in text.split(";") if item and item != "-"]


def _wrong(table: str, column: str, what: str) -> SeedError:
    return SeedError(
        f"the data dictionary is not complete: {table}.{column}",
        expected="a unit, a source and a date for every published column",
        found=what,
        source="dbt_project/seeds/dictionary_rules.csv",
        action="add a row for the column (or a pattern); later rows win over earlier ones",
    )
