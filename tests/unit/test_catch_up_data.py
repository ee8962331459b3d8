"""Weeks without a run: the next one brings everything that came meanwhile, of both sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from tests.conftest import MakeSettings, Serve
from tests.faults.af_bad_days import files

from ame_warehouse.landing.index import fetch_dir
from ame_warehouse.pipeline.ingest import fetch_kolada, parse_landing
from ame_warehouse.pipeline.ingest_af import fetch_af, parse_af
from ame_warehouse.sample.af_server import AfServer, Site
from ame_warehouse.sample.dataset import Dataset, value
from ame_warehouse.settings import Settings

KPIS = ["U40800", "N40011"]


def values(settings: Settings, fetch_id: str) -> list[Any]:
    path = fetch_dir(settings.observations, fetch_id) / "observations.parquet"
    with duckdb.connect() as con:
        source = f"read_parquet('{path}', hive_partitioning = false)"
        return con.execute(f"select * exclude (fetch_id) from {source} order by all").fetchall()


def test_kolada(make_settings: MakeSettings, small: Dataset, serve: Serve, tmp_path: Path) -> None:
    """Three changes that nobody fetched one by one: a year more, a value revised twice, one withdrawn."""
    url = serve(small).url()
    settings = make_settings(sources="live", kolada_url=url)

    def fetch(where: Settings) -> str:
        (fetch_id,) = fetch_kolada(where, KPIS, ["1440", "1480"], None)["fetch_ids"]
        parse_landing(where, [fetch_id])
        return str(fetch_id)

    fetch(settings)
    for week in range(1, 4):
        small.put("U40800", "1480", 2022, [value("T", 10.0 * week), value("K", 5.0), value("M", 5.0)])
        if week == 2:
            small.put("N40011", "1440", 2023, [value("T", 7.0)])
    small.put("U40800", "1440", 2021, [value(gender, None, "Missing") for gender in "TKM"])
    caught_up = values(settings, fetch(settings))
    fresh = make_settings(sources="live", kolada_url=url, home=tmp_path / "fresh")
    assert caught_up == values(fresh, fetch(fresh)), "the same as a home that starts today"
    assert {row[4] for row in caught_up if row[:4] == ("U40800", "1480", 2022, "T")} == {30.0}


def test_the_months_of_arbetsformedlingen(tmp_path: Path) -> None:
    """Two releases were missed; the third has their months, and what was known before stays."""
    site = Site(files())
    with AfServer(site) as server:
        settings = Settings(
            _env_file=None, home=tmp_path / "home", sources="live", af_url=server.url(), kolada_rps=1000
        )
        first = fetch_af(settings)
        parse_af(settings, first["fetch_ids"])
        site.files = files("2024-02")
        later = fetch_af(settings)
        assert later["changed"]
        parse_af(settings, later["fetch_ids"])
    root = settings.observations / "source=arbetsformedlingen" / "fetch=*" / "jobseekers.parquet"
    with duckdb.connect() as con:
        found = dict(
            con.execute(
                "select fetch_id, list(distinct period order by period) from"
                f" read_parquet('{root}', hive_partitioning = false)"
                " where dataset = 'tid_utan_arbete_lan_kom' group by fetch_id"
            ).fetchall()
        )
    months = ["2023-10", "2023-11", "2023-12", "2024-01", "2024-02"]
    assert found[first["fetch_ids"][0]] == months[:2]
    assert found[later["fetch_ids"][0]] == months
