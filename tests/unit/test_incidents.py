"""The life of an incident: opened, seen again, acknowledged, resolved, opened again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest

from ame_warehouse.errors import AmeError
from ame_warehouse.quality.incident_faults import BROKEN
from ame_warehouse.quality.incident_table import write_incidents
from ame_warehouse.quality.incidents import IncidentStore, acknowledge, list_incidents, record
from ame_warehouse.quality.results import CheckResult, Severity, Status
from ame_warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def result(
    check_id: str = "participants_swing",
    status: Status = "failed",
    *,
    rows: int = 1,
    severity: Severity = "warning",
    scopes: list[str] | None = None,
) -> CheckResult:
    return CheckResult(
        check_id=check_id,
        severity=severity,
        status=status,
        stage="marts",
        expected="a change of at most 150 %",
        found=f"{rows} of 100 rows",
        owner="data_steward",
        message="The number does not jump.",
        action="Ask the municipality.",
        ran_at="2026-01-01T00:00:00",
        failing_rows=rows if status == "failed" else 0,
        scopes={scope: f"what {scope} has" for scope in scopes or []},
    )


def test_opened_seen_acknowledged_resolved_reopened(settings: Settings) -> None:
    opened = record(settings, [result()], "run1", "2026-01-01T00:00:00")
    assert (opened.opened, opened.seen, opened.resolved) == (["INC-0001"], [], [])

    seen = record(settings, [result(rows=3)], "run2", "2026-01-02T00:00:00")
    assert (seen.opened, seen.seen) == ([], ["INC-0001"])
    incident = list_incidents(settings, open_only=True)[0]
    assert (incident.times_seen, incident.last_count, incident.worst_count) == (2, 3, 3)
    assert incident.opened_at == "2026-01-01T00:00:00"
    assert incident.last_seen_at == "2026-01-02T00:00:00"
    assert incident.acknowledged_by is None

    acknowledge(settings, "inc-1", "steward", "counted in a new way", "2026-01-02T12:00:00")
    record(settings, [result(rows=2)], "run3", "2026-01-03T00:00:00")
    incident = list_incidents(settings, open_only=True)[0]
    assert (incident.acknowledged_by, incident.note) == ("steward", "counted in a new way")
    assert (incident.times_seen, incident.last_count, incident.worst_count) == (3, 2, 3)

    gone = record(settings, [result(status="passed")], "run4", "2026-01-04T00:00:00")
    assert gone.resolved == ["INC-0001"]
    assert list_incidents(settings, open_only=True) == []

    back = record(settings, [result()], "run5", "2026-01-05T00:00:00")
    assert (back.opened, back.reopened) == ([], ["INC-0001"])
    incident = list_incidents(settings)[0]
    assert (incident.incident_id, incident.resolved_at) == ("INC-0001", None)
    assert (incident.reopened_at, incident.times_seen) == ("2026-01-05T00:00:00", 4)
    assert (incident.acknowledged_by, incident.note, incident.acknowledged_count) == (None, None, None)
    history = IncidentStore(settings).history("INC-0001")
    events = [event["event"] for event in history]
    assert events == ["opened", "seen", "acknowledged", "seen", "resolved", "reopened"]
    assert history[2]["detail"] == "counted in a new way", "what was acknowledged stays in the history"


@pytest.mark.parametrize(("back", "incidents"), [("2026-02-01", ["INC-0001"]), ("2026-02-02", ["INC-0002"])])
def test_a_fault_that_comes_back_after_thirty_days_is_a_new_incident(
    back: str, incidents: list[str], settings: Settings
) -> None:
    record(settings, [result()], "run1", "2026-01-01T00:00:00")
    record(settings, [result(status="passed")], "run2", "2026-01-02T00:00:00.5")
    record(settings, [result()], "run3", f"{back}T00:00:00.500000")
    found = list_incidents(settings, open_only=True)
    assert [i.incident_id for i in found] == incidents
    again = incidents == ["INC-0002"]
    assert found[0].previous_incident_id == ("INC-0001" if again else None)
    last = IncidentStore(settings).history(incidents[0])[-1]
    assert last["event"] == ("opened" if again else "reopened")


def test_a_store_of_an_earlier_version_gets_the_new_columns(settings: Settings) -> None:
    record(settings, [result()], "run1", "2026-01-01T00:00:00")
    with sqlite3.connect(IncidentStore(settings).path) as con:
        con.execute("alter table incidents drop column acknowledged_count")
        for column in ("reopened_at", "acknowledged_until", "lapsed_at"):
            con.execute(f"alter table incidents drop column {column}")
    con.close()
    record(settings, [result(rows=4)], "run2", "2026-01-02T00:00:00")
    incident = acknowledge(settings, "1", "steward", "known", "2026-01-02T10:00:00")
    assert (incident.acknowledged_count, incident.reopened_at, incident.times_seen) == (4, None, 2)


def test_ten_runs_of_the_same_fault_are_one_incident(settings: Settings) -> None:
    for n in range(10):
        record(settings, [result()], f"run{n}", f"2026-01-{n + 1:02d}T00:00:00")
    assert [(i.incident_id, i.times_seen) for i in list_incidents(settings)] == [("INC-0001", 10)]


def test_recording_a_run_twice_counts_once(settings: Settings) -> None:
    for _ in range(3):
        record(settings, [result()], "run1", "2026-01-01T00:00:00")
    assert list_incidents(settings)[0].times_seen == 1


def test_a_check_that_did_not_run_resolves_nothing(settings: Settings) -> None:
    record(settings, [result()], "run1", "2026-01-01T00:00:00")
    record(settings, [result("another", "passed")], "run2", "2026-01-02T00:00:00")
    assert [i.check_id for i in list_incidents(settings, open_only=True)] == ["participants_swing"]


def test_a_broken_check_is_another_fault_than_bad_data(settings: Settings) -> None:
    record(settings, [result()], "run1", "2026-01-01T00:00:00")
    record(settings, [result(status="errored")], "run2", "2026-01-02T00:00:00")
    scopes = {i.scope: i for i in list_incidents(settings, open_only=True)}
    assert set(scopes) == {"", BROKEN}
    assert "could not run" in scopes[BROKEN].summary
    assert scopes[""].times_seen == 1, "a check that could not run says nothing of the data"
    record(settings, [result()], "run3", "2026-01-03T00:00:00")
    assert [i.scope for i in list_incidents(settings, open_only=True)] == [""]


def test_one_incident_per_named_fault_and_one_for_many(settings: Settings) -> None:
    check = "landing_measure_fetched"
    record(settings, [result(check, scopes=["a", "b"])], "run1", "2026-01-01T00:00:00")
    assert [i.scope for i in list_incidents(settings)] == ["a", "b"]
    assert "found what b has." in list_incidents(settings)[1].summary
    record(settings, [result(check, scopes=["b"])], "run2", "2026-01-02T00:00:00")
    assert [i.scope for i in list_incidents(settings, open_only=True)] == ["b"]
    many = [f"measure_{n}" for n in range(40)] + ["b"]
    grouped = record(settings, [result(check, rows=41, scopes=many)], "run3", "2026-01-03T00:00:00")
    assert len(grouped.opened) == 1
    assert {i.scope for i in list_incidents(settings, open_only=True)} == {"b", ""}
    done = record(settings, [result(check, "passed")], "run4", "2026-01-04T00:00:00")
    assert len(done.resolved) == 2


def test_information_opens_no_incident(settings: Settings) -> None:
    record(settings, [result(severity="info")], "run1", "2026-01-01T00:00:00")
    assert list_incidents(settings) == []


def test_severity_comes_first(settings: Settings) -> None:
    record(
        settings,
        [result("w"), result("e", severity="error", status="errored")],
        "run1",
        "2026-01-01T00:00:00",
    )
    assert [i.check_id for i in list_incidents(settings)] == ["e", "w"]


@pytest.mark.parametrize(
    ("incident_id", "by", "note"),
    [("INC-0099", "me", "x"), ("rubbish", "me", "x"), ("1", "", "x"), ("1", "me", "  ")],
)
def test_an_acknowledgement_that_cannot_be(settings: Settings, incident_id: str, by: str, note: str) -> None:
    record(settings, [result()], "run1", "2026-01-01T00:00:00")
    with pytest.raises(AmeError) as caught:
        acknowledge(settings, incident_id, by, note, "2026-01-02T00:00:00")
    assert caught.value.action
    assert caught.value.exit_code == (1 if by and note.strip() else 2), "wrong usage is status 2"
    assert list_incidents(settings)[0].acknowledged_by is None


def test_a_resolved_incident_cannot_be_acknowledged(settings: Settings) -> None:
    record(settings, [result()], "run1", "2026-01-01T00:00:00")
    record(settings, [result(status="passed")], "run2", "2026-01-02T00:00:00")
    with pytest.raises(AmeError, match="already resolved"):
        acknowledge(settings, "INC-0001", "me", "late", "2026-01-03T00:00:00")


def test_a_run_that_dies_while_recording_leaves_the_store_as_it_was(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(settings, [result("one")], "run1", "2026-01-01T00:00:00")
    from ame_warehouse.quality import incident_faults

    def dies(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(incident_faults, "_see", dies)
        with pytest.raises(KeyboardInterrupt):
            record(settings, [result("two"), result("one")], "run2", "2026-01-02T00:00:00")
    assert [(i.check_id, i.times_seen) for i in list_incidents(settings)] == [("one", 1)]


def test_a_damaged_store_is_a_readable_error(settings: Settings) -> None:
    store = IncidentStore(settings)
    store.path.parent.mkdir(parents=True)
    store.path.write_bytes(b"no database" * 1000)
    with pytest.raises(AmeError, match="incident store cannot be used") as caught:
        store.incidents()
    assert str(store.path) in str(caught.value)


def test_listing_makes_no_store(settings: Settings) -> None:
    assert list_incidents(settings) == []
    assert not IncidentStore(settings).path.exists()


def test_an_acknowledgement_ends_after_its_last_day(settings: Settings) -> None:
    record(settings, [result()], "run1", "2026-01-01T00:00:00")
    known = acknowledge(settings, "1", "steward", "asked", "2026-01-01T10:00:00", until="2026-01-03")
    assert (known.acknowledged_until, known.lapsed_at) == ("2026-01-03", None)
    record(settings, [result()], "run2", "2026-01-03T23:59:59")
    assert list_incidents(settings)[0].acknowledged_by == "steward"
    record(settings, [result("other")], "run3", "2026-01-04T00:00:00")
    incident = next(i for i in list_incidents(settings) if i.incident_id == "INC-0001")
    assert (incident.acknowledged_by, incident.note, incident.lapsed_at) == (
        None,
        None,
        "2026-01-04T00:00:00",
    )
    lapsed = IncidentStore(settings).history("INC-0001")[-1]
    assert (lapsed["event"], lapsed["by"], lapsed["detail"]) == ("lapsed", "steward", "asked")
    again = acknowledge(settings, "1", "steward", "asked again", "2026-01-05T10:00:00")
    assert (again.acknowledged_until, again.lapsed_at) == (None, None)
    record(settings, [result()], "run4", "2030-01-01T00:00:00")
    assert list_incidents(settings)[0].acknowledged_by == "steward"


def test_the_table_for_readers(settings: Settings) -> None:
    record(settings, [result(), result("other")], "run1", "2026-01-01T10:00:00.5")
    acknowledge(settings, "1", "steward", "it's known", "2026-01-01T11:00:00")
    with duckdb.connect() as con:
        write_incidents(con, list_incidents(settings))
        write_incidents(con, list_incidents(settings))
        rows = con.execute(
            "select incident_id, check_id, acknowledged_by, note, resolved_at, opened_at::varchar "
            "from quality.incidents order by incident_id"
        ).fetchall()
    assert rows == [
        ("INC-0001", "participants_swing", "steward", "it's known", None, "2026-01-01 10:00:00.5"),
        ("INC-0002", "other", None, None, None, "2026-01-01 10:00:00.5"),
    ]


def test_the_store_holds_one_open_incident_per_fault(settings: Settings) -> None:
    record(settings, [result()], "run1", "2026-01-01T00:00:00")
    con = sqlite3.connect(IncidentStore(settings).path)
    with pytest.raises(sqlite3.IntegrityError):
        con.execute(
            "insert into incidents (check_id, scope, severity, summary, owner, action, opened_at, "
            "last_seen_at, times_seen, last_run_id, last_count, worst_count) select check_id, scope, "
            "severity, summary, owner, action, opened_at, last_seen_at, 1, 'x', 0, 0 from incidents"
        )
    con.close()
