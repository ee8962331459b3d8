"""Serve a reference state through the loopback Kolada server."""

from __future__ import annotations

from tests.reference.facts import groups, measures, places, titles
from tests.reference.knowledge import Dataset

from ame_warehouse.sample.dataset import Dataset as Served
from ame_warehouse.sample.dataset import kpi_record, value

ACCOUNTS = ("N40011", "N40008", "N40002")
PRELIMINARY = {
    "prel_publication_date": "2025-04-01",
    "publication_date": "2099-08-28",
    "publ_period": "2024",
}


def served(records: Dataset) -> Served:
    """Return the state as the server's dataset, with catalogue, places and Kolada's groups."""
    dataset = Served(
        kpis=[
            kpi_record(
                kpi,
                titles()[kpi],
                divided=bool(measure.is_divided),
                **(PRELIMINARY if kpi in ACCOUNTS else {}),
            )
            for kpi, measure in measures().items()
            if measure.is_current
        ],
        municipalities=[
            {"id": place, "title": title, "type": kind} for place, (title, kind) in places().items()
        ],
        groups=[
            {
                "id": group,
                "title": group,
                "members": [{"member_id": m, "member_title": places()[m][0]} for m in members],
            }
            for group, members in groups().items()
            if group.startswith("G") and group[1:].isdigit()
        ],
    )
    for (kpi, place, year, gender), (number, status, is_deleted) in records.items():
        dataset.cells.setdefault((kpi, place, year), []).append(
            value(gender, number, status, deleted=is_deleted)
        )
    return dataset
