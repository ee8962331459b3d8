"""The register of checks: whole, used, and the page that is made from it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from gx_good_world import checks
from typer.testing import CliRunner

from ame_warehouse.cli.main import app
from ame_warehouse.errors import BuildError
from ame_warehouse.quality import checks_page, dbt_tests, register
from ame_warehouse.settings import PROJECT_ROOT, Settings

SETTINGS = Settings(project=PROJECT_ROOT)
ENTRIES = register.load(SETTINGS).entries
PACKAGE = PROJECT_ROOT / "scripts" / "ame_warehouse"


def project_with(tmp_path: Path, text: str) -> Settings:
    folder = tmp_path / "expectations" / "register"
    folder.mkdir(parents=True)
    (folder / "x.yml").write_text(text, encoding="utf-8")
    return Settings(home=tmp_path, project=tmp_path)


ROW = {
    "check_id": "a_check",
    "says": "It holds.",
    "expected": "that",
    "action": "Look.",
    "severity": "warning",
    "owner": "operator",
    "stage": "watch",
    "checked_by": "python",
    "bad_data": "tests",
}


def test_every_check_is_registered_and_every_registered_check_runs() -> None:
    """Suites, dbt's yml files and the Python code name the rows; no row is named by none of them."""
    expectations = {check.check_id for check in checks(SETTINGS)}
    dbt = set(checks_page.applied(SETTINGS))
    python = {entry.check_id for entry in ENTRIES.values() if entry.checked_by == "python"}
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py")))
    for check_id in python:
        assert re.search(rf'["\']{re.escape(check_id.removesuffix("*"))}', code), f"{check_id} runs nowhere"
    assert expectations | dbt | python == set(ENTRIES)
    assert {ENTRIES[check_id].checked_by for check_id in expectations} == {"great_expectations"}
    assert {ENTRIES[check_id].checked_by for check_id in dbt} == {"dbt"}


def test_no_check_is_made_without_the_register() -> None:
    """Sentence, severity, owner and action stand in the register: no code builds a result by hand."""
    built = [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if re.search(r"(?<!class )\bCheckResult\((?!\*\*)", path.read_text(encoding="utf-8"))
    ]
    assert built == ["quality/register.py"]


def test_every_row_can_be_understood() -> None:
    for entry in ENTRIES.values():
        assert entry.says.endswith("."), entry.check_id
        assert entry.action.endswith("."), entry.check_id
        assert all(re.fullmatch(r"R\d{3}(\(\d+\))?", name) for name in entry.requirements), entry.check_id
        if "{it}" in entry.says + entry.expected + entry.action:
            assert entry.is_family


def test_the_page_is_made_from_the_register() -> None:
    """`ame checks --markdown > docs/checks.md` makes it; a dbt test that is taken out shows here too."""
    page = (PROJECT_ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    assert page == checks_page.markdown(SETTINGS), "make it anew: ame checks --markdown > docs/checks.md"


def test_a_family_speaks_of_its_member() -> None:
    found = register.load(SETTINGS).entry("watch_source_silent_kolada")
    assert found.says == "The source kolada has been fetched lately."
    assert found.check_id == "watch_source_silent_kolada"
    of_dbt = register.load(SETTINGS).entry("not_null_costs_year", kind="not_null", it="costs.year")
    assert of_dbt.says == "costs.year is never empty."


def test_a_check_that_is_not_registered_is_an_error() -> None:
    with pytest.raises(BuildError, match="not in the register"):
        register.result(SETTINGS, "nobody_knows_me", failed=False, found="x")
    with pytest.raises(BuildError, match="not in the register"):
        register.load(SETTINGS).entry("x", kind="a_new_kind_of_test")


@pytest.mark.parametrize("lacking", sorted(ROW))
def test_a_row_that_lacks_something_is_refused(tmp_path: Path, lacking: str) -> None:
    rows = [{key: value for key, value in ROW.items() if key != lacking}]
    with pytest.raises(BuildError, match="not in the form") as caught:
        register.load(project_with(tmp_path, yaml.safe_dump({"checks": rows})))
    assert lacking in (caught.value.found or "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (yaml.safe_dump({"checks": [ROW, ROW]}), "a_check twice"),
        (yaml.safe_dump({"checks": [{**ROW, "severity": "grave"}]}), "severity 'grave'"),
        (yaml.safe_dump({"checks": [{**ROW, "owner": "somebody"}]}), "owner 'somebody'"),
        (yaml.safe_dump({"checks": [{**ROW, "colour": "red"}]}), "colour"),
        ("checks: [", "ParserError"),
        ("rows: []", "KeyError"),
        ("checks: []", "no rows"),
    ],
)
def test_a_register_in_another_form_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BuildError, match="not in the form") as caught:
        register.load(project_with(tmp_path, text))
    assert told in (caught.value.found or "")


def test_two_severities_are_refused(tmp_path: Path) -> None:
    """dbt stops at an `error` test: its severity has to be the one that the register gives."""
    shutil.copytree(PROJECT_ROOT / "expectations", tmp_path / "expectations")
    models = tmp_path / "dbt_project" / "models"
    models.mkdir(parents=True)
    test = {"holds": {"name": "jobseekers_monthly_rule_1", "arguments": {"condition": "true"}}}
    (models / "x.yml").write_text(yaml.safe_dump({"models": [{"name": "m", "data_tests": [test]}]}))
    settings = Settings(home=tmp_path, project=tmp_path)
    assert [(t.kind, t.subject, t.severity) for t in dbt_tests.declared(settings)] == [
        ("holds", "m", "error")
    ]
    with pytest.raises(BuildError, match="two severities"):
        checks_page.applied(settings)


def test_ame_checks_lists_and_finds() -> None:
    runner = CliRunner()
    every = json.loads(runner.invoke(app, ["checks", "--json"]).stdout)
    assert {row["check_id"] for row in every} == set(ENTRIES)
    one = json.loads(runner.invoke(app, ["checks", "--json", "--find", "sorting_key_range"]).stdout)
    assert [row["says"] for row in one] == [ENTRIES["sorting_key_range"].says]
    table = runner.invoke(app, ["checks", "--find", "sorting_key_range"]).stdout
    assert "sorting_key_range" in table
    assert "data_steward" in table
