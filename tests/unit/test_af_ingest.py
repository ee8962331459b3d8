"""The sample from page to Parquet: two releases, history kept, files that agree, polls that find nothing
new.
"""

import shutil
import time
from pathlib import Path

import duckdb
import pytest

from ame_warehouse.pipeline.ingest_af import fetch_af, parse_af
from ame_warehouse.sample.af_cube import Cube
from ame_warehouse.settings import Settings

SOURCE = "source=arbetsformedlingen"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("af") / "home", sources="sample")
    fetch = fetch_af(settings)
    return settings, fetch, parse_af(settings, fetch["fetch_ids"])


def query(settings, sql):
    root = settings.observations / SOURCE
    names = ("jobseekers", "rusta_och_matcha", "files", "findings", "quarantine")
    with duckdb.connect() as con:
        for name in names:
            con.execute(
                f"create view {name} as from read_parquet('{root}/*/{name}.parquet', hive_partitioning=false)"
            )
        return con.execute(sql).fetchall()


def tree(root: Path):
    return {
        path.relative_to(root).as_posix(): path.stat().st_mtime_ns
        for path in root.rglob("*")
        if path.is_file()
    }


def test_the_two_releases_are_two_fetches(loaded):
    settings, fetch, parsed = loaded
    assert len(fetch["fetch_ids"]) == 2
    assert fetch["changed"]
    assert parsed["observations"] > 100_000
    assert query(settings, "select vintage, count(*) from files group by 1 order by 1") == [
        ("2023-01-23", 7),
        ("2023-02-23", 8),
    ]
    assert query(
        settings, "select count(*) from files where outcome not in ('new', 'unchanged') or is_stale"
    ) == [(0,)]
    assert query(settings, "select distinct mode, source from files") == [("sample", "arbetsformedlingen")]
    assert query(settings, "select count(*) from quarantine") == [(0,)]
    assert query(settings, "select kind, severity from findings order by 1") == [
        ("missing_column", "info"),
        ("replaced_file", "info"),
    ]


def test_a_file_that_did_not_change_is_stored_and_parsed_once(loaded):
    settings, _, _ = loaded
    rows = query(
        settings, "select fetch_id = content_fetch_id from files where dataset = 'andel_av_reg' order by 1"
    )
    assert rows == [(False,), (True,)]
    assert query(
        settings, "select count(distinct fetch_id) from jobseekers where dataset = 'andel_av_reg'"
    ) == [(1,)]


def test_the_long_form_holds_what_the_cube_holds(loaded):
    settings, _, _ = loaded
    cube = Cube("2021-01", "2023-01")
    expected = {
        (month, place or ""): numbers[0]
        for (month, place), numbers in cube.summed(lambda row: (row.month, row.municipality)).items()
    }
    newest = "fetch_id = (select max(fetch_id) from jobseekers)"
    for cache in ("age", "birth", "education"):
        found = query(
            settings,
            f"""select period, coalesce(municipality_raw, ''), sum(value)::int from jobseekers
            where dataset = 'sok_lan_kom' and sheet_or_cache = '{cache}' and {newest} group by 1, 2""",
        )
        assert {(month, place): value for month, place, value in found} == expected


def test_municipalities_and_the_national_file_agree(loaded):
    settings, _, _ = loaded
    rows = query(
        settings,
        """select fetch_id, period,
            sum(value) filter (dataset = 'sok_lan_kom' and sheet_or_cache = 'age') as places,
            sum(value) filter (dataset = 'tid_riket' and measure_raw = 'INSAL') as country,
            sum(value) filter (dataset = 'tid_utan_arbete_lan_kom' and sheet_or_cache = 'Total'
                and measure_raw = 'ARBETSLOSA') as total,
            sum(value) filter (dataset = 'svag_konkurrensformaga' and measure_raw = 'SAMTLIGA') as weak
        from jobseekers where dataset <> 'andel_av_reg' group by all""",
    )
    months = [row for row in rows if row[2] is not None]
    assert len(months) == 24 + 25
    assert all(row[2] == row[3] == row[4] == row[5] for row in months)


def test_the_second_release_revises_the_first_and_both_are_kept(loaded):
    settings, _, _ = loaded
    rows = query(
        settings,
        """select municipality_raw, list(value order by fetch_id) from (
            select fetch_id, municipality_raw, sum(value) as value from jobseekers
            where dataset = 'sok_lan_kom' and sheet_or_cache = 'age' and period = '2022-12' group by all)
        group by 1 having count(distinct value) > 1 order by 1""",
    )
    assert [place for place, _ in rows] == ["Göteborg", "Timrå", "Västerås"]
    assert all(after - before == 3 for _, (before, after) in rows)
    changed = query(
        settings,
        """select count(*) from rusta_och_matcha as a inner join rusta_och_matcha as b
            on a.ka_number = b.ka_number and a.period = b.period and a.fetch_id < b.fetch_id
        where a.period = '2022-11' and a.weighted_result <> b.weighted_result""",
    )
    assert changed[0][0] > 0
    assert query(
        settings, "select count(distinct fetch_id) from rusta_och_matcha where period = '2022-11'"
    ) == [(2,)]


def test_shares_carry_their_denominator_and_the_span_of_the_title(loaded):
    settings, _, _ = loaded
    rows = query(
        settings,
        """select distinct f.vintage, f.dataset, f.denominator, j.age_span, min(j.period), max(j.period)
        from files as f inner join jobseekers as j
            on j.dataset = f.dataset and j.file_sha256 = f.file_sha256
        where f.denominator is not null group by all order by 1, 2""",
    )
    assert rows == [
        ("2023-01-23", "andel_av_bas", "BAS", "16-64", "2022-01", "2022-12"),
        ("2023-01-23", "andel_av_reg", "RAMS", "16-64", "2021-01", "2022-12"),
        ("2023-02-23", "andel_av_bas", "BAS", "16-65", "2022-01", "2023-01"),
        ("2023-02-23", "andel_av_reg", "RAMS", "16-64", "2021-01", "2022-12"),
    ]


def test_masked_cells_are_null_with_their_text(loaded):
    settings, _, _ = loaded
    rows = query(settings, "select distinct value, raw_text, is_masked from jobseekers where value is null")
    assert rows == [(None, "<5", True)]
    assert query(settings, "select count(*) from jobseekers where value = 0")[0][0] > 0


def test_places_are_kept_as_they_are_written(loaded):
    settings, _, _ = loaded
    rows = query(settings, "select distinct municipality_raw from jobseekers where dataset = 'sok_lan_kom'")
    names = {row[0] for row in rows}
    assert {"Borås", "Vännäs", "Västerås", "Uppgift saknas", None} <= names
    assert len(names) == 22


def test_flags_are_categories_not_figures(loaded):
    settings, _, _ = loaded
    rows = query(
        settings, "select distinct other_raw from jobseekers where dataset = 'svag_konkurrensformaga'"
    )
    assert {row[0] for row in rows} == {
        "KUA06=Nej|KUA12=Nej|KUA24=Nej",
        "KUA06=Ja|KUA12=Nej|KUA24=Nej",
        "KUA06=Ja|KUA12=Ja|KUA24=Nej",
        "KUA06=Ja|KUA12=Ja|KUA24=Ja",
    }
    measures = query(
        settings, "select distinct measure_raw from jobseekers where dataset = 'svag_konkurrensformaga'"
    )
    assert {row[0] for row in measures} == {"UTSATTA", "SAMTLIGA"}


def test_a_poll_that_finds_nothing_new_is_quick_and_leaves_only_its_record(loaded):
    settings, _, _ = loaded
    before = tree(settings.home)
    begin = time.process_time()
    fetch = fetch_af(settings)
    parsed = parse_af(settings, fetch["fetch_ids"])
    seconds = time.process_time() - begin
    added = {name: stamp for name, stamp in tree(settings.home).items() if before.get(name) != stamp}
    assert fetch["changed"] is False
    assert set(fetch["files"]) == {"unchanged"}
    assert parsed == {"observations": 0, "unchanged": 0, "findings": 0, "skipped": 2}
    pages = {name for name in added if name.endswith(".html.zst")}
    assert {Path(name).name for name in set(added) - pages} == {"fetch.json", "requests.jsonl"}
    assert len(added) - len(pages) == 4
    assert sum((settings.home / name).stat().st_size for name in added) < 100_000
    assert seconds < 5


def test_a_fetch_whose_run_ended_before_parsing_is_parsed_after_the_next_poll(loaded):
    settings, fetch, _ = loaded
    directory = settings.observations / SOURCE / f"fetch={fetch['fetch_ids'][-1]}"
    aside = settings.home / "aside"
    directory.rename(aside)  # as if the run had been killed between the two steps
    assert fetch_af(settings)["changed"] is True
    parse_af(settings, [])
    assert {path.name for path in directory.iterdir()} == {path.name for path in aside.iterdir()}
    shutil.rmtree(aside)
    assert fetch_af(settings)["changed"] is False


def test_observations_can_be_made_again_from_the_landing(loaded):
    settings, _, _ = loaded
    sql = "select * exclude (retrieved_at) from files order by all"
    every = "select sha256(string_agg(j::varchar, '|' order by j::varchar)) from jobseekers as j"
    before = query(settings, sql), query(settings, every)
    shutil.rmtree(settings.observations)
    parse_af(settings, [])
    assert (query(settings, sql), query(settings, every)) == before
