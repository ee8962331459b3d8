"""`ame gaps ack`: an explained gap is shown as such, and is new again when the explanation has expired."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.history.calls import ame

from ame_warehouse.quality import explained_gaps
from ame_warehouse.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.pipeline

OPTIONS = {
    "--measure": "U40800",
    "--municipality": "Tjörn",
    "--years": "2022",
    "--note": "new system; 'late answer'",
    "--by": "data_steward",
    "--until": f"{explained_gaps.today().year + 1}-01-31",
}


def ack(*more: str, **other: str) -> tuple[str, ...]:
    options = OPTIONS | {f"--{name}": value for name, value in other.items()}
    return ("gaps", "ack", *(part for option in options.items() for part in option), *more)


def rebuilt(home: Path, day: str) -> duckdb.DuckDBPyConnection:
    """Let dbt build the gaps of the candidate as of `day`."""
    candidate = next((home / "build").glob("*.duckdb"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet", "run"),
            *("--select", "stg_acknowledged_gaps", "gaps", "gaps_monthly", "silent_municipalities"),
            "dim_municipality_note",
            *("--project-dir", str(PROJECT_ROOT / "dbt_project")),
            *("--profiles-dir", str(PROJECT_ROOT / "dbt_project")),
            *("--target-path", str(home / "target"), "--log-path", str(home / "logs")),
            *("--vars", json.dumps({"ame_today": day})),
        ],
        env={
            **os.environ,
            "AME_OBSERVATIONS": str(home / "observations"),
            "AME_ACKNOWLEDGED_GAPS": str(explained_gaps.store_path(Settings(home=home))),
            "AME_BUILD_FILE": str(candidate),
            "DO_NOT_TRACK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return duckdb.connect(str(candidate), read_only=True)


def test_an_explained_gap_is_no_news_until_the_explanation_expires(own_home: Path) -> None:
    called = ame(*ack("--json"))
    assert called.status == 0, called.err
    assert (called.json()["added"], called.json()["gaps"]) == (1, 1)
    assert ame(*ack("--json")).json()["added"] == 0
    (listed,) = ame("gaps", "acks", "--json").json()
    assert (listed["number"], listed["state"], listed["municipality_id"]) == (1, "in force", "1419")
    # said again with another last day: one explanation, which holds until the later of the two
    again = ame(*ack("--json", until=f"{explained_gaps.today().year + 1}-01-15"))
    assert again.json()["added"] == 1
    silent = "select measure_id from quality.silent_municipalities where municipality_id = '1419'"
    gap = (
        "select kind, note, acknowledged_by, acknowledged_until::varchar from quality.gaps "
        "where measure_id = 'ame_participants_total' and municipality_id = '1419' and year = 2022"
    )
    today = explained_gaps.today().isoformat()
    with rebuilt(own_home, today) as con:
        kind, note, by, until = con.execute(gap).fetchone() or ()
        assert (kind, by, until) == ("acknowledged", "data_steward", OPTIONS["--until"])
        assert note == f"{OPTIONS['--note']} (data_steward, {today})"
        assert con.execute(silent).fetchall() == [("referral_share_af",)]
        beside = con.execute(
            "select measure_id, year_from, note_sv, source from marts.dim_municipality_note "
            "where municipality_id = '1419' and measure_id is not null"
        ).fetchall()
        assert beside == [("ame_participants_total", 2022, OPTIONS["--note"], f"data_steward, {today}")]
        others = con.execute("select count(*) from quality.gaps where kind = 'acknowledged'").fetchone()
        assert others == (1,)
    with rebuilt(own_home, f"{explained_gaps.today().year + 1}-02-01") as con:
        assert con.execute(gap).fetchone() == ("new", None, None, None)
        assert len(con.execute(silent).fetchall()) == 2

    assert ame("gaps", "unack", "1", "--by", "analyst", "--note", "they answered").status == 0
    assert ame("gaps", "acks", "--json").json()[0]["state"] == "expired"
    assert ame("gaps", "unack", "1", "--by", "analyst", "--note", "twice").status == 1


def test_a_gap_that_is_none_is_not_explained(own_home: Path) -> None:
    for other in (
        {"years": "2020"},
        {"municipality": "Atlantis"},
        {"measure": "U99999"},
        {"years": "2022-2020"},
        {"until": "2020-01-01"},
        {"until": "soon"},
        {"note": " "},
        {"by": " "},
    ):
        called = ame(*ack(**other))
        assert called.status == 2, other
        assert called.err
    assert "No gap has been explained" in ame("gaps", "acks").out
    assert ame(*ack("--ahead", years="2023,2025")).status == 0
    rows = explained_gaps.own(Settings(home=own_home))
    assert [(row.year_from, row.year_to) for row in rows] == [(2023, 2023), (2025, 2025)]
