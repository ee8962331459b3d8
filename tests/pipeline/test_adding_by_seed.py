"""A measure, a composition, a group and a known error are added by rows in the seeds: no Python, no SQL."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from tests.conftest import MakeSettings, Serve

from ame_warehouse.pipeline import build
from ame_warehouse.pipeline.ingest import fetch_kolada, parse_landing
from ame_warehouse.sample.dataset import Dataset, kpi_record, value
from ame_warehouse.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.pipeline

LANGUAGES = {"N99001": ("swedish", 70.0), "N99002": ("other_language", 30.0)}


def add_rows(project: Path) -> None:
    """Add two KPIs that make a composition, a group, and two known errors, to the seeds of a project."""
    seeds = project / "dbt_project" / "seeds"
    with (seeds / "kpi_catalogue.csv").open("a", encoding="utf-8") as catalogue:
        for kpi, (category, _) in LANGUAGES.items():
            catalogue.write(
                f"{kpi},Deltagare med {category} (%),education,language_{category}_share,{category},"
                "mother_tongue,,,percent,participants,calendar_year,0,2021,,RKA (Kolada),"
                "Egen undersökning i kommunen,,1,\n"
            )
    with (seeds / "kpi_compositions.csv").open("a", encoding="utf-8") as compositions:
        for kpi, (category, _) in LANGUAGES.items():
            compositions.write(f"mother_tongue,{kpi},{category},,,stated,\n")
    with (seeds / "municipality_groups.csv").open("a", encoding="utf-8") as groups:
        groups.write("OWN_PAIR,Ale och Tjörn,local_labour_market_type,2026,own,\n")
    with (seeds / "municipality_group_members.csv").open("a", encoding="utf-8") as members:
        members.write("OWN_PAIR,1440,,\nOWN_PAIR,1419,,\n")
    with (seeds / "source_corrections.csv").open("a", encoding="utf-8") as corrections:
        signed = "the municipality,data_steward,2020-01-01,2099-12-31"
        corrections.write(f"language_swedish_share,1419,2022,T,70,71.5,{signed},digits swapped\n")
        corrections.write(f"language_swedish_share,1440,2022,T,7,70,{signed},a digit was lost\n")


def publish(settings: Settings) -> None:
    fetched = fetch_kolada(settings, None, None, None)
    parse_landing(settings, fetched["fetch_ids"])
    version = build.plan_build(settings)["version"]
    for step in (build.check_landing, build.run_dbt, build.check_marts, build.publish):
        step(settings, version)


def test_measure_composition_and_group(
    tmp_path: Path, make_settings: MakeSettings, serve: Serve, small: Dataset
) -> None:
    project = tmp_path / "project"
    for folder in ("dbt_project", "expectations"):
        shutil.copytree(
            PROJECT_ROOT / folder, project / folder, ignore=shutil.ignore_patterns("target", "logs")
        )
    add_rows(project)
    for kpi, (category, share) in LANGUAGES.items():
        small.kpis.append(kpi_record(kpi, f"Deltagare med {category} (%)"))
        for place in ("1440", "1419"):
            for year in (2021, 2022):
                small.put(kpi, place, year, [value("T", share)])
    small.put("N99002", "1419", 2022, [value("T", None, "Missing")])
    settings = make_settings(sources="live", kolada_url=serve(small).url(), project=project)

    publish(settings)

    with duckdb.connect(str(settings.published / "warehouse.duckdb"), read_only=True) as published:
        profile = published.execute(
            "select municipality_id, year, category_id, share_pct, composition_status"
            " from marts.participant_profile"
            " where composition_id = 'mother_tongue' and municipality_id in ('1419', '1440') order by all"
        ).fetchall()
        group = published.execute(
            "select year, n_reporting, mean_unweighted, missing_municipality_ids from marts.group_summary"
            " where group_id = 'OWN_PAIR' and measure_id = 'language_other_language_share' order by year"
        ).fetchall()
        gap = published.execute(
            "select kind, last_reported_year from quality.gaps"
            " where measure_id = 'language_other_language_share' and municipality_id = '1419'"
        ).fetchall()
        corrections = published.execute(
            "select municipality_id, state, value_at_source from quality.corrections order by all"
        ).fetchall()
        flagged = published.execute(
            "select municipality_id, year, category_id from marts.participant_profile where is_corrected"
        ).fetchall()
        at_source = published.execute(
            "select value from marts.observations where measure_id = 'language_swedish_share'"
            " and municipality_id = '1419' and period = '2022'"
        ).fetchall()
        incidents = published.execute(
            "select scope, found from quality.incidents join quality.check_results using (check_id)"
            " where check_id like 'corrections%'"
        ).fetchall()
        members = published.execute(
            "select municipality from marts.group_members where group_id = 'OWN_PAIR' order by 1"
        ).fetchall()
    assert profile == [
        ("1419", 2021, "other_language", 30.0, "complete"),
        ("1419", 2021, "swedish", 70.0, "complete"),
        ("1419", 2022, "other_language", None, "incomplete"),
        ("1419", 2022, "swedish", 71.5, "incomplete"),
        ("1440", 2021, "other_language", 30.0, "complete"),
        ("1440", 2021, "swedish", 70.0, "complete"),
        ("1440", 2022, "other_language", 30.0, "complete"),
        ("1440", 2022, "swedish", 70.0, "complete"),
    ]
    assert group == [(2021, 2, 30.0, ""), (2022, 1, 30.0, "1419")]
    assert gap == [("new", 2021)]
    assert members == [("Ale",), ("Tjörn",)]
    assert corrections == [("1419", "applied", 70.0), ("1440", "mended", 70.0)]
    assert flagged == [("1419", 2022, "swedish")]
    assert at_source == [(70.0,)], "what the source says stays as it is"
    ((scope, found),) = incidents
    assert scope == "Ale 2022 T language_swedish_share", "the publisher has mended it: one incident"
    assert "mended" in found
