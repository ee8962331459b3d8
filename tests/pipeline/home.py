"""Run the real `ame` command on a home, and see what it published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AME = Path(sys.executable).with_name("ame")
RUN_SECONDS = 550


@dataclass
class Done:
    """How a call of `ame` ended."""

    status: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        return json.loads(self.stdout)


def ame(home: Path, *arguments: str, **environment: str) -> Done:
    """Run the real command on a home; nothing of the caller's own settings gets in."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AME_", "AIRFLOW"))}
    done = subprocess.run(
        [AME, *arguments],
        env={**kept, "AME_HOME": str(home), **environment},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass
class SampleRun:
    """The home after the first run, and what that run said."""

    home: Path
    done: Done
    report: dict[str, Any]

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "published" / "manifest.json").read_text())
        return found


def fingerprint(home: Path) -> dict[str, tuple[int, int]]:
    """Return inode and size of every published file: equal before and after means untouched."""
    published = home / "published"
    return {
        str(path.relative_to(published)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted(published.rglob("*"))
        if path.is_file()
    }
