"""The handbooks name commands, options, files and settings that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from ame_warehouse.cli.main import app
from ame_warehouse.settings import PROJECT_ROOT

PAGES = [
    *sorted((PROJECT_ROOT / "docs").rglob("*.md")),
    PROJECT_ROOT / "expectations" / "README.md",
    PROJECT_ROOT / "CHANGELOG.md",
    PROJECT_ROOT / "README.md",
]
TARGETS = re.compile(r"`make ([a-z-]+)`|^make ([a-z-]+)", re.MULTILINE)
FILES = re.compile(r"`((?:tests|scripts|dbt_project|dags|expectations|bi|docs)/[\w./*-]+)")


def commands(page: Path) -> list[str]:
    """Return the commands `ame …` in code, inline or in blocks."""
    text = page.read_text(encoding="utf-8")
    code = [
        line for block in re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]
    code += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    found = [part for line in code for part in re.split(r"&&", line.split("#")[0])]
    return [match[1].strip() for part in found if (match := re.match(r"\s*(?:\.venv/bin/)?ame (.+)", part))]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(PROJECT_ROOT)))
def test_every_command_and_option_exists(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line.replace("…", "x").split(">")[0])
        command = typer.main.get_command(app)
        while words and words[0] in (getattr(command, "commands", None) or {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        is_group = bool(getattr(command, "commands", None))
        assert command.name != "ame", f"ame {line}: no such command"
        assert not (is_group and words and not words[0].startswith("-")), f"ame {line}: no such command"
        known = {option for param in command.params for option in param.opts} | {"--help"}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, f"ame {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(PROJECT_ROOT)))
def test_every_target_of_make_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    for one, other in TARGETS.findall(text):
        assert f"\n{one or other}:" in makefile, one or other


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(PROJECT_ROOT)))
def test_every_file_of_the_project_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    tests = {path.name for path in (PROJECT_ROOT / "tests").rglob("*.py")}
    assert set(re.findall(r"`(test_\w+\.py)`", text)) <= tests
    for name in FILES.findall(text):
        assert any(list(root.glob(name)) for root in (PROJECT_ROOT, PROJECT_ROOT / "dbt_project")), name


def test_the_handbook_of_operators_covers_the_life_of_a_warehouse() -> None:
    text = (PROJECT_ROOT / "docs" / "handbook" / "operators.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\w+)", text, re.MULTILINE)
    for wanted in ("Start", "Schedule", "Backfill", "Fix", "Upgrade", "Restore", "Rotate", "Housekeeping"):
        assert wanted in headings
    assert len(commands(PROJECT_ROOT / "docs" / "handbook" / "operators.md")) > 25
