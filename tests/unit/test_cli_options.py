"""The options of `ame`: lists of ids and years, wrong usage, help, exit status."""

import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest
import typer

from ame_warehouse.cli.options import id_list, year_list
from ame_warehouse.cli.output import write_json

AME = Path(sys.executable).with_name("ame")
COMMANDS = ("run", "status", "gaps", "incidents", "up", "reparse")


def ame(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [AME, *arguments], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2022", [2022]),
        ("2020-2023,2025", [2020, 2021, 2022, 2023, 2025]),
        ("2023, 2020-2021", [2020, 2021, 2023]),
        ("2021-2021", [2021]),
        (None, None),
    ],
)
def test_years(text: str | None, years: list[int] | None) -> None:
    assert year_list(text) == years


@pytest.mark.parametrize(
    "text", ["", ",", "22", "2023-2020", "2020–2023", "abcd", "2020-", "1066", "2020-2999"]
)
def test_years_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        year_list(text)


def test_ids_keep_leading_zeros_and_order() -> None:
    assert id_list("1480, 0000,1480") == ["1480", "0000"]


@pytest.mark.parametrize("command", ["", *COMMANDS, "incidents ack", "incidents show"])
def test_every_command_has_help(command: str) -> None:
    done = ame(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage: ame" in done.stdout
    assert "--help" in done.stdout


HELPED = """
import resource, sys
from typer.testing import CliRunner
from ame_warehouse.cli.main import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_help_is_quick() -> None:
    """A second of the processor at most, whatever else the machine does; no heavy library is loaded."""
    said = subprocess.run([sys.executable, "-c", HELPED], capture_output=True, text=True, check=True).stdout
    seconds, *loaded = said.split()
    assert float(seconds) < 1.0
    assert not {"airflow", "dbt", "duckdb", "great_expectations", "pandas", "pyarrow"} & set(loaded)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("run", "--sources", "moon"),
        ("run", "--years", "2023-2020"),
        ("run", "--measures", ","),
        ("gaps", "--reason", "unknown"),
        ("gaps", "--format", "xml"),
        ("incidents", "ack", "INC-0001"),
        ("up", "--port", "80"),
    ],
)
def test_wrong_usage_is_exit_status_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = ame(*arguments, AME_HOME=str(tmp_path / "home"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("AME_SOURCES", "moon"), ("AME_KOLADA_URL", "ftp://kolada.se"), ("AME_KOLADA_RPS", "0")],
)
def test_a_wrong_setting_is_named_and_exit_status_2(name: str, value: str, tmp_path: Path) -> None:
    done = ame("run", **{"AME_HOME": str(tmp_path / "home"), name: value})
    assert done.returncode == 2
    assert done.stderr.startswith("ame: ")
    assert name in done.stderr
    assert value in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["status", "gaps"])
def test_nothing_published_is_said_with_what_to_do(command: str, tmp_path: Path) -> None:
    done = ame(command, AME_HOME=str(tmp_path / "home"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "nothing is published yet" in done.stderr
    assert "ame run" in done.stderr
    assert not (tmp_path / "home").exists()


def test_no_incidents_before_the_first_run(tmp_path: Path) -> None:
    assert ame("incidents", AME_HOME=str(tmp_path)).stdout == "No open incidents.\n"
    assert ame("incidents", "--json", AME_HOME=str(tmp_path)).stdout == "[]\n"


@pytest.mark.parametrize("incident", ["INC-0007", "seven"])
def test_acknowledging_what_is_not_there(incident: str, tmp_path: Path) -> None:
    done = ame("incidents", "ack", incident, "--by", "operator", "--note", "known", AME_HOME=str(tmp_path))
    assert done.returncode == 1
    assert incident in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version() -> None:
    done = ame("--version")
    assert (done.returncode, done.stdout) == (0, "ame-warehouse 0.1.0\n")


def test_json_has_dates_and_times_as_iso_8601(capsys: pytest.CaptureFixture[str]) -> None:
    write_json(
        {
            "day": date(2024, 1, 31),
            "time": datetime.fromisoformat("2024-01-31 08:05"),
            "path": Path("a") / "b",
        }
    )
    said = json.loads(capsys.readouterr().out)
    assert said == {"day": "2024-01-31", "time": "2024-01-31T08:05:00", "path": "a/b"}
