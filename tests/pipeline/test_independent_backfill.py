"""Unknown is not "i.u.": a partial scope, filled in single years and newest first.

The second calculation (tests/reference) knows what each fetch asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.reference.compare import Comparison, compare
from tests.reference.dataset import first_state
from tests.reference.facts import RIKET, groups
from tests.reference.figures import expected_tables
from tests.reference.knowledge import Fetch, Knowledge
from tests.reference.serving import served

from ame_warehouse.pipeline import steps
from ame_warehouse.sample.server import KoladaServer

pytestmark = pytest.mark.pipeline

GROUP = "G96190"  # Göteborgsregionen
BACKFILLS: tuple[dict[str, Any], ...] = (
    {"measures": ["U40800"], "municipalities": ["1480"], "years": [2023]},
    {"measures": ["U40800"], "municipalities": None, "years": [2017, 2018, 2019, 2020]},
    {"measures": None, "municipalities": None, "years": [2021, 2022]},
)


def test_backfill_of_single_years_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no fetch asked for is not loaded; what one asked for is as in a whole fetch."""
    records = first_state()
    asked = []
    with KoladaServer(served(records)) as server:
        for name, value in {
            "AME_HOME": str(tmp_path),
            "AME_SOURCES": "live",
            "AME_KOLADA_URL": server.url(),
            "AME_KOLADA_RPS": "10000",
            "AME_MUNICIPALITIES": GROUP,
        }.items():
            monkeypatch.setenv(name, value)
        for order in BACKFILLS:
            fetched = steps.fetch_kolada(**order)
            steps.parse_landing(fetched["fetch_ids"])
            asked.append(
                Fetch(
                    records,
                    kpis=frozenset(order["measures"]) if order["measures"] else None,
                    places=frozenset(order["municipalities"] or groups()[GROUP]) | {RIKET},
                    years=frozenset(order["years"]),
                )
            )
    version = steps.plan_build()["version"]
    for step in (steps.check_landing, steps.run_dbt, steps.check_marts, steps.publish):
        step(version)
    known, result = Knowledge.after(asked, groups()[GROUP]), Comparison()
    with duckdb.connect(str(tmp_path / "published" / "warehouse.duckdb"), read_only=True) as con:
        for table in expected_tables(known):
            compare(con, table, result)
    assert result.report() == ""
    assert result.cells > 50_000
    reasons = [known.reason("U40800", place, 2023) for place in groups()[GROUP] if place != "1480"]
    assert set(reasons) == {"not_loaded"}
