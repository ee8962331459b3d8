"""The expectations as data: checkpoints, suites and queries under `expectations/`, held to their form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ame_warehouse.errors import BuildError
from ame_warehouse.quality.register import Entry, Register
from ame_warehouse.quality.register import load as load_register
from ame_warehouse.quality.results import Severity, Stage
from ame_warehouse.settings import Settings

GX_SEVERITY: dict[Severity, str] = {"error": "critical", "warning": "warning", "info": "info"}
TOOL = "great_expectations"
TEXTS_OF_REGISTER = ("description", "severity", "owner", "expected", "action")


@dataclass(frozen=True)
class Check:
    """One expectation and its row of the register.

    `scope` is the column that names single faults; `limit` (None = the store's) says up to how many
    of them get an incident each.
    """

    entry: Entry
    suite: str
    scope: str | None
    limit: int | None = None

    @property
    def check_id(self) -> str:
        """Id of the check."""
        return self.entry.check_id


@dataclass(frozen=True)
class Suite:
    """One suite: its GX form with the register's words in it, the query of its frame, its checks by id."""

    name: str
    body: dict[str, Any]
    query: str
    checks: dict[str, Check]


def folder(settings: Settings) -> Path:
    """Return the directory of the expectations."""
    return settings.project / "expectations"


def stage_suites(settings: Settings, stage: Stage) -> list[Suite]:
    """Return the suites of a stage in the order of its checkpoint.

    Raises `BuildError` when a file is missing or not in the form that expectations/README.md describes.
    """
    checkpoint = _json(folder(settings) / "checkpoints" / f"{stage}.json")
    suites = [load_suite(settings, name) for name in checkpoint["suites"]]
    for suite in suites:
        for check in suite.checks.values():
            if check.entry.stage != stage:
                raise _wrong_form(
                    folder(settings) / "checkpoints" / f"{stage}.json",
                    f"{check.check_id} runs in {stage}; the register says {check.entry.stage}",
                )
    return suites


def load_suite(settings: Settings, name: str) -> Suite:
    """Return one suite with its query; raises `BuildError` as `stage_suites` does."""
    path = folder(settings) / "suites" / f"{name}.json"
    body = _json(path)
    query_path = folder(settings) / "queries" / f"{name}.sql"
    try:
        query = query_path.read_text(encoding="utf-8")
    except OSError as exc:
        raise _unreadable(query_path, exc) from exc
    entries = load_register(settings)
    checks: dict[str, Check] = {}
    for expectation in body["expectations"]:
        check = _check(path, name, expectation, entries)
        if check.check_id in checks:
            raise _wrong_form(path, f"check_id {check.check_id} twice")
        checks[check.check_id] = check
    return Suite(name, body, query, checks)


def _check(path: Path, suite: str, expectation: dict[str, Any], entries: Register) -> Check:
    """Return the check of an expectation; put the register's words where Great Expectations shows them."""
    meta = expectation.get("meta") or {}
    if not meta.get("check_id"):
        raise _wrong_form(path, f"{expectation.get('type')}: no check_id")
    twice = [key for key in TEXTS_OF_REGISTER if key in expectation or key in meta]
    if twice:
        raise _wrong_form(path, f"{meta['check_id']}: {', '.join(twice)} belong in the register")
    entry = entries.entry(meta["check_id"])
    if entry.checked_by != TOOL:
        raise _wrong_form(path, f"{entry.check_id}: the register says that {entry.checked_by} checks it")
    expectation["description"] = entry.says
    expectation["severity"] = GX_SEVERITY[entry.severity]
    meta |= {"owner": entry.owner, "expected": entry.expected, "action": entry.action}
    return Check(entry, suite, meta.get("incident_scope"), meta.get("incident_limit"))


def _json(path: Path) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise _unreadable(path, exc) from exc
    return body


def _unreadable(path: Path, exc: Exception) -> BuildError:
    return BuildError(
        f"the expectations file {path.name} cannot be read",
        expected="a readable file in UTF-8",
        found=f"{type(exc).__name__}: {exc}",
        source=str(path),
        action="restore the file from version control",
    )


def _wrong_form(path: Path, found: str) -> BuildError:
    return BuildError(
        f"the suite {path.stem} is not in the form that is needed",
        expected="for each expectation: type, kwargs and meta with check_id; its words stand in the register",
        found=f"missing or wrong: {found}",
        source=str(path),
        action="see expectations/README.md and correct the suite",
    )
