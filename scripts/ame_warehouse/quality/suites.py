"""The expectations as data: checkpoints, suites and queries under `expectations/`, held to their form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ame_warehouse.errors import BuildError
from ame_warehouse.quality.results import Severity, Stage
from ame_warehouse.settings import Settings

GX_SEVERITY: dict[str, Severity] = {"critical": "error", "warning": "warning", "info": "info"}
META = ("check_id", "owner", "expected", "action")


@dataclass(frozen=True)
class Check:
    """What the register says of one expectation.

    `scope` is the column that names single faults; `limit` (None = the store's) says up to how many
    of them get an incident each.
    """

    check_id: str
    severity: Severity
    owner: str
    message: str
    expected: str
    action: str
    suite: str
    scope: str | None
    limit: int | None = None


@dataclass(frozen=True)
class Suite:
    """One suite: its GX form, the query that makes its frame, and its checks by id."""

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
    return [load_suite(settings, name) for name in checkpoint["suites"]]


def load_suite(settings: Settings, name: str) -> Suite:
    """Return one suite with its query; raises `BuildError` as `stage_suites` does."""
    path = folder(settings) / "suites" / f"{name}.json"
    body = _json(path)
    query_path = folder(settings) / "queries" / f"{name}.sql"
    try:
        query = query_path.read_text(encoding="utf-8")
    except OSError as exc:
        raise _unreadable(query_path, exc) from exc
    checks: dict[str, Check] = {}
    for expectation in body["expectations"]:
        check = _check(path, name, expectation)
        if check.check_id in checks:
            raise _wrong_form(path, f"check_id {check.check_id} twice")
        checks[check.check_id] = check
    return Suite(name, body, query, checks)


def register(settings: Settings) -> list[Check]:
    """Return every check of the Great Expectations suites, by stage and suite."""
    return [
        check
        for stage in ("landing", "marts")
        for suite in stage_suites(settings, stage)  # type: ignore[arg-type]
        for check in suite.checks.values()
    ]


def _check(path: Path, suite: str, expectation: dict[str, Any]) -> Check:
    meta = expectation.get("meta") or {}
    lacking = [key for key in META if not meta.get(key)]
    if not expectation.get("description"):
        lacking.append("description")
    severity = GX_SEVERITY.get(str(expectation.get("severity")))
    if lacking or severity is None:
        what = ", ".join(lacking) or f"severity {expectation.get('severity')!r}"
        raise _wrong_form(path, f"{meta.get('check_id') or expectation.get('type')}: {what}")
    return Check(
        check_id=meta["check_id"],
        severity=severity,
        owner=meta["owner"],
        message=expectation["description"],
        expected=meta["expected"],
        action=meta["action"],
        suite=suite,
        scope=meta.get("incident_scope"),
        limit=meta.get("incident_limit"),
    )


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
        expected="for each expectation: description, severity (critical, warning, info) and meta with "
        + ", ".join(META),
        found=f"missing or wrong: {found}",
        source=str(path),
        action="see expectations/README.md and correct the suite",
    )
