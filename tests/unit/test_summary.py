"""The end of `ame run`: what a person is told to type next can be typed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ame_warehouse.pipeline import summary


@pytest.mark.parametrize(
    ("called", "on_path", "said"),
    [
        (".venv/bin/ame", False, ".venv/bin/ame"),
        ("{here}/.venv/bin/ame", False, ".venv/bin/ame"),
        ("/elsewhere/bin/ame", False, "/elsewhere/bin/ame"),
        (".venv/bin/ame", True, "ame"),
        ("/usr/bin/pytest", False, "ame"),
    ],
)
def test_the_command_is_named_as_it_can_be_called_from_here(
    called: str, on_path: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    if on_path:
        (folder / "ame").write_text("#!/bin/sh\n")
        (folder / "ame").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "argv", [called.format(here=tmp_path)])
    assert summary.command_name() == said
