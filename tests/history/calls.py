"""Call `ame` in this process, as the console script does."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from ame_warehouse.cli.main import main


@dataclass
class Called:
    """How a call ended."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def ame(*arguments: str) -> Called:
    """Return what `ame ARGUMENTS` wrote and its exit status."""
    out, err = io.StringIO(), io.StringIO()
    status: Any = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["ame", *arguments])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as exc:
                status = exc.code or 0
    return Called(int(status), out.getvalue(), err.getvalue())
