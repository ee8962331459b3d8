"""Arbetsförmedlingen from its page to the published file, by the steps alone: two releases one after the
other, a poll that finds nothing, and observations made again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.pipeline.home import fingerprint as published_files

from ame_warehouse.builder.fingerprint import fingerprint
from ame_warehouse.pipeline import steps
from ame_warehouse.sample import af_server, af_workbooks
from ame_warehouse.settings import load_settings

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]
AF = "source = 'arbetsformedlingen'"
AF_TABLES = (
    "marts.jobseekers_monthly",
    "marts.jobseekers_yearly",
    "marts.jobseekers_totals",
    "marts.jobseekers_unplaced",
    "marts.jobseeker_density",
    "marts.rusta_och_matcha",
    "marts.rusta_och_matcha_history",
    "quality.af_files",
    "quality.gaps_monthly",
    "quality.coverage_monthly",
    "quality.cross_source",
)


@dataclass
class Published:
    """A home after one release of AF, then the next, and one build; what each step said."""

    home: Path
    said: dict[str, Any] = field(default_factory=dict)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "published" / "warehouse.duckdb"), read_only=True) as con:
            return con.execute(sql).fetchall()

    def observed(self, sql: str) -> list[tuple[Any, ...]]:
        root = self.home / "observations" / "source=arbetsformedlingen"
        with duckdb.connect() as con:
            con.execute(
                f"create view jobseekers as from read_parquet('{root}/*/jobseekers.parquet', "
                "hive_partitioning = false)"
            )
            return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    home = tmp_path_factory.mktemp("af") / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AME_HOME", str(home))
        patch.setenv("AME_SOURCES", "sample")
        patch.setattr(af_workbooks, "FIRST", "2022-01")
        both = af_workbooks.releases()
        found = Published(home)
        steps.parse_landing(steps.fetch_kolada()["fetch_ids"])
        found.said["before"] = fingerprint(load_settings())
        for name, released in (("first", both[:1]), ("second", both)):
            patch.setattr(af_server, "releases", lambda released=released: released)
            found.said[name] = steps.fetch_af()
            found.said[f"{name}_parsed"] = steps.parse_af(found.said[name]["fetch_ids"])
            found.said[f"{name}_fingerprint"] = fingerprint(load_settings())
        version = steps.plan_build()["version"]
        for step in (steps.check_landing, steps.run_dbt, steps.check_marts, steps.publish):
            found.said[step.__name__] = step(version)
        yield found


def test_every_table_is_published_with_its_origin(done: Published) -> None:
    for table in AF_TABLES:
        assert done.rows(f"select distinct origin from {table}") == [("synthetic",)], table
    assert done.rows(f"select distinct origin from marts.observations where {AF}") == [("synthetic",)]
    assert done.rows(f"select distinct origin from marts.observation_history where {AF}") == [("synthetic",)]
    of_both = "select distinct source, origin from marts.referral_context order by all"
    assert done.rows(of_both) == [("arbetsformedlingen", "synthetic"), ("kolada", "as_printed")]


def test_the_year_of_the_printed_figures_is_whole(done: Published) -> None:
    places = "select count(distinct municipality_id) from {} where {} = 2022 and {} is not null"
    assert done.rows(places.format("marts.jobseekers_yearly", "year", "mean_value"))[0][0] >= 17
    assert done.rows(places.format("quality.cross_source", "year", "municipality_id"))[0][0] >= 13
    beside = """
        select count(distinct municipality_id) from marts.referral_context
        where source = 'arbetsformedlingen' and year = 2022 and value is not null and af_share_pct is not null
    """
    assert done.rows(beside)[0][0] >= 10


def test_a_mask_is_suppressed_and_never_zero(done: Published) -> None:
    assert done.observed("select count(*) from jobseekers where raw_text = '<5'")[0][0] > 0
    masked = """
        select min(value), min(lower_bound), max(upper_bound), bool_and(contains_suppressed)
        from marts.jobseekers_monthly where missing_reason = 'suppressed'
    """
    nothing, low, high, flagged = done.rows(masked)[0]
    assert nothing is None
    assert (low, flagged) == (0, True)
    assert high >= 4
    bare = "select count(*) from marts.jobseekers_monthly where (value is null) = (missing_reason is null)"
    assert done.rows(bare) == [(0,)]


def test_unknown_places_are_kept_and_are_no_municipality(done: Published) -> None:
    stated = "select sum(value) from jobseekers where municipality_raw = 'Uppgift saknas'"
    assert done.observed(stated)[0][0] > 0
    assert done.rows("select count(*) from marts.jobseekers_unplaced where value > 0")[0][0] > 0
    for table in ("marts.jobseekers_monthly", "marts.observations", "marts.jobseekers_yearly"):
        strangers = f"""
            select count(*) from {table} as found
            left join marts.dim_municipality as known on found.municipality_id = known.municipality_id
            where known.municipality_id is null
        """
        assert done.rows(strangers) == [(0,)], table
    known = "select count(*) from marts.dim_municipality where lower(municipality) like '%saknas%'"
    assert done.rows(known) == [(0,)]


def test_denominators_and_ages_stand_in_columns(done: Published) -> None:
    found = done.rows("""
        select denominator_basis, age_span, min(strftime(month, '%Y-%m')), max(strftime(month, '%Y-%m'))
        from marts.jobseekers_monthly group by all order by all
    """)
    assert found == [
        ("BAS", "16-64", "2022-01", "2022-12"),
        ("BAS", "16-65", "2023-01", "2023-01"),
        ("RAMS", "16-64", "2022-01", "2022-12"),
        (None, "16-64", "2022-01", "2022-12"),
        (None, "16-65", "2023-01", "2023-01"),
    ]
    mixed = """
        select count(*) from (
            select measure_id from marts.jobseekers_monthly
            group by measure_id having count(distinct coalesce(denominator_basis, '')) > 1
        )
    """
    assert done.rows(mixed) == [(0,)]
    breaks = "select distinct strftime(month, '%Y-%m') from marts.jobseekers_monthly where is_series_break"
    assert sorted(done.rows(breaks)) == [("2022-01",), ("2023-01",)]


def test_a_revised_month_keeps_what_was_said_before(done: Published) -> None:
    found = done.rows(f"""
        select period, valid_from::date::varchar, valid_to::date::varchar, value
        from marts.observation_history
        where {AF} and municipality_id = '1480' and measure_id = 'af_jobseekers' and gender = 'T'
            and period >= '2022-11'
        order by period, valid_from
    """)
    kept, was, new, added = found
    assert kept[:3] == ("2022-11", "2023-01-23", None)
    assert was[:3] == ("2022-12", "2023-01-23", "2023-02-23")
    assert new[:3] == ("2022-12", "2023-02-23", None)
    assert new[3] == was[3] + 3
    assert added[:3] == ("2023-01", "2023-02-23", None)
    untouched = f"""
        select count(*) from marts.observation_history
        where {AF} and municipality_id = '1440' and measure_id = 'af_jobseekers' and valid_to is not null
    """
    assert done.rows(untouched) == [(0,)]


def test_a_revised_result_keeps_what_was_said_before(done: Published) -> None:
    found = done.rows("""
        select period, valid_from::date::varchar, valid_to::date::varchar, rr1_b
        from marts.rusta_och_matcha_history where provider_id = '99000001' order by period, valid_from
    """)
    assert [row[:3] for row in found] == [
        ("2022-11", "2023-01-23", "2023-02-23"),
        ("2022-11", "2023-02-23", None),
        ("2023-01", "2023-02-23", None),
    ]
    assert found[1][3] == found[0][3] + 1
    current = "select count(*) from marts.rusta_och_matcha where provider_id = '99000001'"
    assert done.rows(current) == [(2,)]
    unrated = "select count(*) from marts.rusta_och_matcha where (rating is null) <> (rating_raw = '-')"
    assert done.rows(unrated) == [(0,)]


def test_each_release_changes_the_fingerprint(done: Published) -> None:
    said = done.said
    assert said["first"]["changed"]
    assert said["second"]["changed"]
    assert said["second"]["files"]["new"] >= 6
    assert len({said["before"], said["first_fingerprint"], said["second_fingerprint"]}) == 3


def test_a_poll_that_finds_nothing_touches_nothing(done: Published) -> None:
    before = published_files(done.home)
    started = time.process_time()
    fetch = steps.fetch_af()
    assert time.process_time() - started < 5
    assert fetch["changed"] is False
    assert set(fetch["files"]) == {"unchanged"}
    parsed = steps.parse_af(fetch["fetch_ids"])
    assert parsed["observations"] == 0
    assert parsed["skipped"] == len(fetch["fetch_ids"])
    assert fingerprint(load_settings()) == done.said["second_fingerprint"]
    assert published_files(done.home) == before  # the DAG ends here
    assert steps.plan_build()["needed"] is False
    after = published_files(done.home)  # the manifest says when the sources were asked last
    assert {name for name in before if after[name] != before[name]} == {"manifest.json"}


def test_observations_made_again_are_the_same(done: Published) -> None:
    counted = "select count(*), bit_xor(hash(jobseekers)), count(distinct file_sha256) from jobseekers"
    before = done.observed(counted)
    again = steps.reparse()
    assert done.observed(counted) == before
    assert again["fetches"] >= 3
    assert steps.plan_build()["needed"] is False
