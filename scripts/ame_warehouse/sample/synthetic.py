"""A synthetic server state of full size: all places, all KPIs, made-up values.

For tests and benchmarks only; no figure in it is real. The share of missing answers follows the one real
series of its kind that is public: about a quarter of the municipalities in a year.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from ame_warehouse.sample.dataset import GENDERS, Dataset, value
from ame_warehouse.sample.tables import source_groups, source_kpis, source_places
from ame_warehouse.seeds import read_seed
from ame_warehouse.settings import Settings

MISSING_SHARE = 0.25
OWN_SURVEY = "Egen undersökning i kommunen"
SIZES = {"persons": 1000.0, "sek_per_inhabitant": 500.0, "percent": 50.0}


def live_like(
    settings: Settings,
    *,
    kpi_ids: Collection[str] | None = None,
    years: Sequence[int] = (2020, 2021, 2022),
    seed: int = 1,
) -> Dataset:
    """Return a dataset for every municipality (and riket, unless municipalities are surveyed).

    Args:
        kpi_ids: KPIs with data; None = all that are in the catalogue. The catalogue itself is always whole.
        years: years with data, as far as a KPI is not discontinued.
        seed: the same seed gives the same numbers.
    """
    dataset = Dataset(source_kpis(settings), source_places(settings), source_groups(settings))
    places = [str(place["id"]) for place in dataset.municipalities if place["type"] == "K"]
    columns = ("kpi_id", "unit", "is_divided_by_gender", "in_current_catalogue", "original_source")
    for row in read_seed(settings, "kpi_catalogue", columns):
        kpi = row["kpi_id"]
        if row["in_current_catalogue"] != "1" or (kpi_ids is not None and kpi not in kpi_ids):
            continue
        surveyed = row["original_source"].startswith(OWN_SURVEY)
        last = int(row.get("discontinued_last_year") or 9999)
        size = SIZES.get(row["unit"], 10.0)
        numbers = random.Random(f"{seed} {kpi}")  # noqa: S311 - made-up figures
        for place in [*places, *([] if surveyed else ["0000"])]:
            base = numbers.random() * size
            for year in years:
                if year > last:
                    continue
                missing = surveyed and numbers.random() < MISSING_SHARE
                women = round(base * (0.9 + 0.2 * numbers.random()), 6)
                men = round(base * (0.9 + 0.2 * numbers.random()), 6)
                total = women + men if row["unit"] == "persons" else round((women + men) / 2, 6)
                figures = {"K": women, "M": men, "T": total}
                shown = GENDERS if row["is_divided_by_gender"] == "1" else ("T",)
                dataset.cells[(kpi, place, year)] = [
                    value(gender, None, "Missing") if missing else value(gender, figures[gender])
                    for gender in shown
                ]
    return dataset
