"""The state of a Kolada server: catalogue, places, groups and data, and the answers that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
GENDERS = ("K", "M", "T")


def value(
    gender: str, number: float | None, status: str = "", *, count: int = 1, deleted: bool = False
) -> Record:
    """Return an inner value as Kolada writes it."""
    return {"gender": gender, "count": count, "status": status, "value": number, "isdeleted": deleted}


def kpi_record(
    kpi_id: str, title: str, description: str = "", *, divided: bool = False, **more: Any
) -> Record:
    """Return a catalogue record; `more` replaces any of the other fields."""
    return {
        "id": kpi_id,
        "title": title,
        "description": description,
        "is_divided_by_gender": divided,
        "municipality_type": "K",
        "auspice": "X",
        "operating_area": "Arbetsmarknad",
        "perspective": "Kvalitet och resultat",
        "prel_publication_date": None,
        "publication_date": None,
        "publ_period": None,
        "has_ou_data": False,
    } | more


@dataclass
class Dataset:
    """What one server knows.

    `cells` holds the inner values per (kpi, municipality, year). Records of groups are computed: the
    unweighted mean of the members that have a value, and their number.
    """

    kpis: list[Record] = field(default_factory=list)
    municipalities: list[Record] = field(default_factory=list)
    groups: list[Record] = field(default_factory=list)
    cells: dict[tuple[str, str, int], list[Record]] = field(default_factory=dict)
    _index: dict[str, dict[str, list[int]]] = field(default_factory=dict, repr=False)

    def put(self, kpi: str, municipality: str, year: int, values: Sequence[Record]) -> None:
        """Set the inner values of a cell."""
        self.cells[(kpi, municipality, year)] = list(values)
        self._index.clear()

    def drop(self, kpi: str, municipality: str | None = None) -> None:
        """Take away the cells of a KPI, or of one place in it."""
        gone = [key for key in self.cells if key[0] == kpi and municipality in (None, key[1])]
        for key in gone:
            del self.cells[key]
        self._index.clear()

    def _years(self) -> dict[str, dict[str, list[int]]]:
        if not self._index:
            index: dict[str, dict[str, list[int]]] = {}
            for kpi, place, year in sorted(self.cells):
                index.setdefault(kpi, {}).setdefault(place, []).append(year)
            self._index = index
        return self._index

    def data(
        self,
        kpis: Sequence[str] | None,
        municipalities: Sequence[str] | None,
        years: Iterable[int] | None,
    ) -> list[Record]:
        """Return the data records for the given ids; None = all (and then with all groups)."""
        index = self._years()
        wanted = None if years is None else set(years)
        groups = {group["id"]: group for group in self.groups}
        found: list[Record] = []
        for kpi in index if kpis is None else dict.fromkeys(kpis):
            places = index.get(kpi, {})
            for place in (
                [*sorted(places), *groups] if municipalities is None else dict.fromkeys(municipalities)
            ):
                if place in groups:
                    found.extend(self._group_records(kpi, groups[place], wanted))
                    continue
                for year in places.get(place, []):
                    if wanted is None or year in wanted:
                        found.append(
                            {
                                "values": self.cells[(kpi, place, year)],
                                "kpi": kpi,
                                "period": year,
                                "municipality": place,
                            }
                        )
        return found

    def _group_records(self, kpi: str, group: Record, wanted: set[int] | None) -> list[Record]:
        places = self._years().get(kpi, {})
        members = [member["member_id"] for member in group["members"]]
        years = sorted({year for member in members for year in places.get(member, [])})
        records = []
        for year in years:
            if wanted is not None and year not in wanted:
                continue
            inner = [self._group_value(kpi, members, year, gender) for gender in GENDERS]
            records.append(
                {
                    "values": [one for one in inner if one is not None],
                    "kpi": kpi,
                    "period": year,
                    "municipality": group["id"],
                }
            )
        return records

    def _group_value(self, kpi: str, members: list[str], year: int, gender: str) -> Record | None:
        present = [
            one
            for member in members
            for one in self.cells.get((kpi, member, year), [])
            if one.get("gender") == gender
        ]
        if not present:
            return None
        numbers = [
            float(one["value"])
            for one in present
            if type(one.get("value")) in (int, float) and not one.get("isdeleted")
        ]
        if not numbers:
            return value(gender, None, "Missing", count=0)
        return value(gender, round(sum(numbers) / len(numbers), 6), count=len(numbers))
