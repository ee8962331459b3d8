"""What README shows of `make run` is what the run on the sample says, and what it leaves out is marked."""

from __future__ import annotations

import re
import sys
from itertools import groupby

import pytest
from tests.pipeline.home import SampleRun

from ame_warehouse.pipeline import summary
from ame_warehouse.settings import PROJECT_ROOT

CUT = "…"


def shown_in_readme() -> list[list[str]]:
    """Return the pieces of the sample output: the lines between the marks of what is cut."""
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = (b for b in re.findall(r"```\n(.*?)```", text, re.DOTALL) if "Published version" in b)
    lines = [lasting(line) for line in block.splitlines() if line.strip()]
    return [list(piece) for cut, piece in groupby(lines, key=lambda line: line == CUT) if not cut]


def lasting(line: str) -> str:
    """Return a line without what differs from run to run, or with each new check: seconds, version, paths."""
    line = re.sub(r"Checks: \d+ of \d+ passed", "Checks: MOST of ALL passed", line)
    line = re.sub(r"\d+\.\d s\b", "SECONDS", line)
    line = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{8}", "VERSION", line)
    return " ".join(re.sub(r"\S*/(published|quality|atlas)\b", r"HOME/\1", line).split())


def is_said(shown: list[str], said: list[str]) -> bool:
    """True when these lines stand at the beginning of `said`; a line may be cut at its end."""
    return all(
        one == line or (line.endswith(CUT) and one.startswith(line.removesuffix(CUT).rstrip()))
        for line, one in zip(shown, said, strict=False)
    )


def test_the_sample_output_of_readme_is_what_is_said(
    sample_run: SampleRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [".venv/bin/ame"])
    monkeypatch.setenv("PATH", "")
    summary.write(sample_run.report)
    lines = (sample_run.done.stderr + capsys.readouterr().out).splitlines()
    said = [lasting(line) for line in lines if line.strip()]
    at = 0
    for piece in shown_in_readme():
        found = [n for n in range(at, len(said) - len(piece) + 1) if is_said(piece, said[n:])]
        assert found, piece
        at = found[0] + len(piece)
