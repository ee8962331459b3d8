"""A command for which a person waits shows a bar on a terminal, and nothing elsewhere."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from ame_warehouse.builder import docs as dbt_docs
from ame_warehouse.cli import waiting
from ame_warehouse.cli.main import app
from ame_warehouse.errors import AmeError
from ame_warehouse.pipeline import steps


class Screen(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_bar_on_a_terminal_only(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    with waiting.shown("make_atlas"):
        pass
    said = screen.getvalue()
    assert ("Make the atlas" in said and "done" in said) if is_terminal else said == ""


def test_what_fails_is_shown_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(is_terminal=True)
    monkeypatch.setattr(sys, "stderr", screen)
    with pytest.raises(AmeError), waiting.shown("clean"):
        raise AmeError("no room", action="make room")
    assert "Clean up" in screen.getvalue() and "failed" in screen.getvalue()


@pytest.mark.parametrize(
    ("arguments", "place", "name", "step"),
    [
        (["reparse"], steps, "reparse", "reparse"),
        (["docs"], dbt_docs, "build_docs", "dbt_docs"),
    ],
)
def test_the_work_is_done_while_it_is_shown(
    arguments: list[str], place: Any, name: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    told: list[tuple[str, list[str]]] = []

    class Bar:
        def __init__(self, wanted: str) -> None:
            self.wanted = wanted

        def __enter__(self) -> None:
            shown.append(self.wanted)

        def __exit__(self, *_: object) -> None:
            shown.remove(self.wanted)

    def work(*_: object) -> dict[str, int]:
        told.append((name, list(shown)))
        return dict.fromkeys(("fetches", "observations", "unchanged", "findings"), 0)

    monkeypatch.setattr(waiting, "shown", Bar)
    monkeypatch.setattr(place, name, work)
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert told == [(name, [step])]
