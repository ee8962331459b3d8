"""A small world: a Kolada server, an SMTP server and a webhook on loopback, and runs of the real pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from receivers import MailServer, Webhook
from small_project import cut_down

from ame_warehouse.alerts import delivery
from ame_warehouse.pipeline import build, steps
from ame_warehouse.sample.dataset import Dataset, value
from ame_warehouse.sample.server import KoladaServer
from ame_warehouse.sample.synthetic import live_like
from ame_warehouse.settings import Settings, load_settings

PARTICIPANTS, POPULATION = "U40800", "N01951"
HARRYDA, ALE, TJORN, GOTEBORG = "1401", "1440", "1419", "1480"
PLACES, YEARS = (HARRYDA, ALE, TJORN, GOTEBORG), (2020, 2021, 2022)


def put(data: Dataset, place: str, year: int, *, total: float, women: float = 200, men: float = 150) -> None:
    cell = [value("K", women), value("M", men), value("T", total)]
    data.put(PARTICIPANTS, place, year, cell)


def good_data() -> Dataset:
    data = live_like(Settings(_env_file=None), kpi_ids=(PARTICIPANTS, POPULATION), years=YEARS)
    for place in PLACES:
        for year in YEARS:
            put(data, place, year, total=350)
            data.put(POPULATION, place, year, [value(gender, 40_000) for gender in "KMT"])
    return data


@dataclass
class World:
    """The source, the receivers and the home; `run` is one run of the chain."""

    data: Dataset
    mail: MailServer
    hook: Webhook
    settings: Settings
    revisions: int = 0
    told: list[int] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Fetch, build, check, publish, announce; every run brings a harmless revision, so that it builds."""
        self.revisions += 1
        put(self.data, GOTEBORG, 2020, total=350 + self.revisions, women=200 + self.revisions)
        before = len(self.hook.posts), len(self.mail.mails)
        try:
            fetch = steps.fetch_kolada([PARTICIPANTS, POPULATION], None, list(YEARS))
            steps.parse_landing(fetch["fetch_ids"])
            plan = steps.plan_build()
            assert plan["needed"]
            for step in (steps.check_landing, steps.run_dbt, steps.check_marts, steps.publish):
                step(plan["version"])
            return steps.announce(plan["version"])
        finally:
            posts, mails = len(self.hook.posts) - before[0], len(self.mail.mails) - before[1]
            assert posts == mails, "both receivers hear the same"
            self.told.append(posts)

    def unchanged(self) -> None:
        """Run without anything new: nothing is built, what waits is tried again."""
        assert not steps.plan_build()["needed"]


@contextmanager
def made(base: Path) -> Iterator[World]:
    """Start everything under `base`; the settings of this process point there meanwhile."""
    patch = pytest.MonkeyPatch()
    for name in Settings.model_fields:
        patch.delenv(f"AME_{name.upper()}", raising=False)
    # the atlas needs tables that the small project does not have
    patch.setattr(build.atlas, "make", lambda _settings: None)
    for limit in ("ROUTE_SECONDS", "CONNECT_SECONDS", "READ_SECONDS"):  # a slow machine is no fault
        patch.setattr(delivery, limit, 60.0)
    data = good_data()
    with KoladaServer(data) as kolada, MailServer() as mail, Webhook() as hook:
        for name, text in {
            "AME_HOME": base / "home",
            "AME_PROJECT": cut_down(base / "project"),
            "AME_SOURCES": "live",
            "AME_KOLADA_URL": kolada.url(),
            "AME_KOLADA_RPS": 100_000,
            "AME_MUNICIPALITIES": ",".join(PLACES),
            "AME_ALERT_URLS": f"{mail.url},{hook.url}",
        }.items():
            patch.setenv(name, str(text))
        yield World(data, mail, hook, load_settings())
    patch.undo()
