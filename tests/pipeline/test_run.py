"""`ame run` on the sample, through Airflow: what it publishes and says, and what a second run changes."""

import csv
import io
import json
import sqlite3

import duckdb
import pytest
from tests.pipeline.home import SampleRun, ame

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
CONTRACT_TABLES = {
    "marts.participants",
    "marts.participant_changes",
    "marts.participant_profile",
    "marts.referrals",
    "marts.costs",
    "marts.context",
    "marts.outcomes",
    "marts.group_summary",
    "marts.observations",
    "marts.observation_history",
    "marts.dim_municipality",
    "marts.dim_measure",
    "marts.dim_group",
    "marts.group_members",
    "quality.gaps",
    "quality.coverage",
    "quality.check_results",
    "quality.incidents",
}
STEPS = (
    "Prepare Airflow",
    "Fetch from Arbetsförmedlingen",
    "Workbooks to observations",
    "Fetch from Kolada",
    "Landing to observations",
    "Plan the build",
    "Check what has landed",
    "Build and test the marts",
    "Check the marts",
    "Publish",
    "Announce",
    "Make the atlas",
)


def test_the_report_is_the_only_thing_on_stdout(sample_run: SampleRun) -> None:
    assert sample_run.done.stdout.startswith("{")
    assert json.loads(sample_run.done.stdout) == sample_run.report


def test_every_step_is_shown_as_it_ends(sample_run: SampleRun) -> None:
    lines = sample_run.done.stderr.splitlines()
    shown = [line for line in lines if line.lstrip().startswith("done")]
    assert len(shown) == len(STEPS)
    for step, line in zip(STEPS, shown, strict=True):
        assert step in line
    assert "Traceback" not in sample_run.done.stderr


def test_all_tables_of_the_contract_are_published(sample_run: SampleRun) -> None:
    assert set(sample_run.report["tables"]) >= CONTRACT_TABLES
    with duckdb.connect(str(sample_run.home / "published" / "warehouse.duckdb"), read_only=True) as con:
        for table, count in sample_run.report["tables"].items():
            schema, name = table.split(".")
            parquet = sample_run.home / "published" / "parquet" / schema / f"{name}.parquet"
            assert con.execute(f"select count(*) from {table}").fetchone() == (count,), table
            assert con.execute(f"select count(*) from '{parquet}'").fetchone() == (count,), table


def test_the_manifest_says_what_was_published(sample_run: SampleRun) -> None:
    manifest = sample_run.manifest()
    assert manifest["version"] == sample_run.report["version"]
    assert sample_run.report["published"] is True
    assert manifest["sources"]["kolada"]["mode"] == "sample"
    newest = sample_run.report["fetch"]["fetch_ids"][-1]
    assert manifest["sources"]["kolada"]["newest_fetch"] == newest


def test_the_gaps_are_those_that_were_printed(sample_run: SampleRun) -> None:
    found = {
        (gap["measure_id"], gap["municipality"], gap["year"])
        for gap in sample_run.report["gaps"]["not_reported"]
    }
    participants = {(m, y) for measure, m, y in found if measure == "ame_participants_total"}
    assert participants == {("Ale", 2017), ("Göteborg", 2017), ("Tjörn", 2017), ("Tjörn", 2022)}
    topics = {gap["measure_id"]: gap["topic"] for gap in sample_run.report["gaps"]["not_reported"]}
    referrals = [cell for cell in found if topics[cell[0]] == "Anvisningar"]
    assert len(referrals) == 7
    assert sample_run.report["gaps"]["total"] == sample_run.report["tables"]["quality.gaps"]


def test_the_dags_of_the_chain_ran_and_succeeded_in_airflow(sample_run: SampleRun) -> None:
    with sqlite3.connect(sample_run.home / "airflow" / "airflow.db") as con:
        runs = con.execute("select dag_id, state from dag_run order by start_date").fetchall()
        pool = con.execute("select slots from slot_pool where pool = 'ame_writer'").fetchall()
        tasks = con.execute(
            "select count(*), count(*) filter (where state = 'success') from task_instance"
        ).fetchone()
    assert set(runs[:-1]) == {("ingest_kolada", "success"), ("ingest_arbetsformedlingen", "success")}
    assert runs[-1] == ("build_warehouse", "success")
    assert pool == [(1,)]
    assert tasks == (13, 13)


def test_the_log_is_named_and_holds_what_airflow_said(sample_run: SampleRun) -> None:
    with open(sample_run.report["log"], encoding="utf-8") as log:  # noqa: PTH123
        assert "build.run_dbt" in log.read()


def test_nothing_is_written_outside_the_home(sample_run: SampleRun) -> None:
    assert sorted(path.name for path in sample_run.home.parent.iterdir()) == ["home"]


def test_status_says_what_is_published(sample_run: SampleRun) -> None:
    done = ame(sample_run.home, "status")
    assert done.status == 0
    assert sample_run.report["version"] in done.stdout
    assert "STALE" not in done.stdout
    beginnings = [line[:22] for line in done.stdout.splitlines()]
    assert {"  arbetsformedlingen n", "  kolada             n", "  missing cells      6"} <= set(beginnings)
    status = ame(sample_run.home, "status", "--json").json()
    assert status["version"] == sample_run.report["version"]
    assert sum(status["gaps"].values()) == sample_run.report["gaps"]["total"]
    assert len(status["open_incidents"]) == len(sample_run.report["incidents"])


def test_gaps_can_be_filtered_and_read_by_programs(sample_run: SampleRun) -> None:
    table = ame(sample_run.home, "gaps", "--municipality", "Tjörn", "--measure", "ame_participants_total")
    assert table.status == 0
    assert "Tjörn (1419)" in table.stdout
    assert "2 missing cells" in table.stdout
    same = ame(
        sample_run.home, "gaps", "--municipality", "1419", "--measure", "ame_participants_total", "--json"
    ).json()
    assert [(gap["year"], gap["shown_as"]) for gap in same] == [(2017, "i.u."), (2022, "i.u.")]
    text = ame(
        sample_run.home, "gaps", "--year", "2017", "--reason", "not_reported", "--format", "csv"
    ).stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["year"] for row in rows} == {"2017"}
    assert {row["municipality_id"] for row in rows} >= {"1440", "1480", "1419"}
    everything = ame(sample_run.home, "gaps", "--json").json()
    assert len(everything) == sample_run.report["gaps"]["total"]
    chronic = ame(sample_run.home, "gaps", "--kind", "chronic", "--json").json()
    new = ame(sample_run.home, "gaps", "--kind", "new", "--json").json()
    assert len(chronic) + len(new) == len(everything)


@pytest.mark.parametrize(("option", "value"), [("--measure", "U00000"), ("--municipality", "Atlantis")])
def test_a_filter_that_names_nothing_is_wrong_usage(option: str, value: str, sample_run: SampleRun) -> None:
    done = ame(sample_run.home, "gaps", option, value)
    assert done.status == 2
    assert done.stdout == ""
    assert value in done.stderr


def test_an_incident_can_be_acknowledged(sample_run: SampleRun, used_home) -> None:
    listed = ame(used_home, "incidents", "--json").json()
    assert [i["incident_id"] for i in listed] == [i["incident_id"] for i in sample_run.report["incidents"]]
    first = listed[0]["incident_id"]
    done = ame(used_home, "incidents", "ack", first, "--by", "analyst", "--note", "a real swing")
    assert done.status == 0
    shown = ame(used_home, "incidents", "show", first, "--json").json()
    assert (shown["acknowledged_by"], shown["note"]) == ("analyst", "a real swing")
    assert [event["event"] for event in shown["history"]] == ["opened", "acknowledged"]
    assert "known to analyst" in ame(used_home, "incidents").stdout


def test_a_second_run_publishes_the_same_tables_and_no_new_versions(sample_run: SampleRun, used_home) -> None:
    before = sample_run.manifest()
    again = ame(used_home, "run", "--full-refresh")
    assert again.status == 0, again.stderr
    assert "Published version" in again.stdout
    after = json.loads((used_home / "published" / "manifest.json").read_text())
    assert after["version"] != before["version"]
    run_bound = {"quality.check_results", "quality.incidents"}
    changed = {
        name
        for name, table in after["tables"].items()
        if table["checksum"] != before["tables"][name]["checksum"] and name not in run_bound
    }
    assert changed == set()

    unchanged = ame(used_home, "run")
    assert unchanged.status == 0, unchanged.stderr
    assert unchanged.stdout.splitlines()[1].startswith(f"Unchanged: version {after['version']} stays")
    last = json.loads((used_home / "published" / "manifest.json").read_text())
    assert last["version"] == after["version"]
    assert last["sources"]["kolada"]["newest_fetch"] > after["sources"]["kolada"]["newest_fetch"]
    for part in ("Rows", "Coverage", 'Missing ("i.u.") years by name', "Open incidents", "Files", "Next"):
        assert part in unchanged.stdout


def test_the_observations_can_be_made_again_from_the_landing(used_home) -> None:
    def content() -> list[tuple]:
        pattern = used_home / "observations" / "source=*" / "fetch=*" / "observations.parquet"
        with duckdb.connect() as con:
            return con.execute("select * from read_parquet(?) order by all", [str(pattern)]).fetchall()

    before = content()
    assert len(before) > 700
    done = ame(used_home, "reparse", "--json")
    assert done.status == 0, done.stderr
    assert done.json()["fetches"] == 3 + 2  # vintages of Kolada, the two AF workbook releases of the sample
    assert content() == before
    assert [path.name for path in used_home.iterdir() if path.name.endswith(".aside")] == []
