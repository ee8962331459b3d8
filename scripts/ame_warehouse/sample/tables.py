"""The printed tables of the bundled reports as dated states of a Kolada server.

A vintage is what the source showed on a day: every figure printed from data retrieved on that day or before.
"""

from __future__ import annotations

from dataclasses import dataclass

from ame_warehouse.errors import SeedError
from ame_warehouse.sample.dataset import Dataset, Record, kpi_record, value
from ame_warehouse.seeds import read_seed
from ame_warehouse.settings import Settings

NOT_APPLICABLE = "."
MISSING = "Missing"


@dataclass(frozen=True)
class Printed:
    """One printed figure with a KPI: its key, the number (None = not printed), the day it was known."""

    kpi_id: str
    municipality_id: str
    year: int
    gender: str
    value: float | None
    status: str
    vintage: str


def vintage_dates(settings: Settings) -> list[str]:
    """Return the dates of the bundled vintages (ISO), oldest first."""
    rows = read_seed(settings, "report_vintages", ("report", "retrieved", "vintage_date"))
    return sorted({row["vintage_date"] for row in rows})


def printed_figures(settings: Settings) -> list[Printed]:
    """Return every printed figure that has a KPI, in the order of the tables."""
    dates = {
        (row["report"], row["retrieved"]): row["vintage_date"]
        for row in read_seed(settings, "report_vintages", ("report", "retrieved", "vintage_date"))
    }
    columns = (
        "report",
        "municipality_code",
        "year",
        "gender",
        "value",
        "raw_text",
        "retrieved",
        "kpi_id",
        "kpi_match",
    )
    figures = []
    for line, row in enumerate(read_seed(settings, "printed_report_tables", columns), 2):
        if row["kpi_match"] == "none":
            continue
        try:
            figures.append(
                Printed(
                    row["kpi_id"],
                    row["municipality_code"],
                    int(row["year"]),
                    row["gender"],
                    float(row["value"]) if row["value"] else None,
                    "" if row["value"] else NOT_APPLICABLE if row["raw_text"] == "-" else MISSING,
                    dates[(row["report"], row["retrieved"])],
                )
            )
        except (ValueError, KeyError) as exc:
            raise SeedError(
                "a printed figure cannot be read",
                expected="a year, a number or nothing, and a retrieval date listed in report_vintages.csv",
                found=f"{type(exc).__name__}: {exc}",
                source=f"{settings.seeds / 'printed_report_tables.csv'}, line {line}",
                action="restore the file from version control, or correct the line that is named",
            ) from exc
    return figures


def vintages(settings: Settings) -> dict[str, Dataset]:
    """Return {vintage date: state of the source on that day}, oldest first; the later print wins."""
    figures = printed_figures(settings)
    kpis, places, groups = source_kpis(settings), source_places(settings), source_groups(settings)
    states: dict[str, Dataset] = {}
    for date in vintage_dates(settings):
        cells: dict[tuple[str, str, int], dict[str, Record]] = {}
        for figure in sorted((one for one in figures if one.vintage <= date), key=lambda one: one.vintage):
            key = (figure.kpi_id, figure.municipality_id, figure.year)
            cells.setdefault(key, {})[figure.gender] = value(figure.gender, figure.value, figure.status)
        ordered = {key: [inner[gender] for gender in sorted(inner)] for key, inner in cells.items()}
        states[date] = Dataset(kpis, places, groups, ordered)
    return states


def source_kpis(settings: Settings) -> list[Record]:
    """Return the catalogue as the source would list it: the KPIs of our seed that are current."""
    columns = (
        "kpi_id",
        "title_sv",
        "denominator",
        "original_source",
        "is_divided_by_gender",
        "in_current_catalogue",
    )
    records = []
    for row in read_seed(settings, "kpi_catalogue", columns):
        if row["in_current_catalogue"] != "1":
            continue
        parts = [row["title_sv"]]
        if row["denominator"]:
            parts.append(f"Nämnare: {row['denominator']}")
        if row["original_source"]:
            parts.append(f"Källa: {row['original_source']}")
        records.append(
            kpi_record(
                row["kpi_id"],
                row["title_sv"],
                ". ".join(parts) + ".",
                divided=row["is_divided_by_gender"] == "1",
            )
        )
    return sorted(records, key=lambda record: str(record["id"]))


def source_places(settings: Settings) -> list[Record]:
    """Return all places of our seed as the source lists them."""
    rows = read_seed(settings, "municipalities", ("id", "title", "type"))
    return [{"id": row["id"], "title": row["title"], "type": row["type"]} for row in rows]


def source_groups(settings: Settings) -> list[Record]:
    """Return the groups of our seed that are the source's own, with their members."""
    titles = {row["id"]: row["title"] for row in source_places(settings)}
    members: dict[str, list[Record]] = {}
    for row in read_seed(settings, "municipality_group_members", ("group_id", "municipality_id")):
        member = {"member_id": row["municipality_id"], "member_title": titles.get(row["municipality_id"], "")}
        members.setdefault(row["group_id"], []).append(member)
    return [
        {
            "id": row["group_id"],
            "title": f"{row['group_name_sv']} (ovägt medel)",
            "members": members.get(row["group_id"], []),
        }
        for row in read_seed(settings, "municipality_groups", ("group_id", "group_name_sv"))
        if row["group_id"].startswith("G") and row["group_id"][1:].isdigit()
    ]
