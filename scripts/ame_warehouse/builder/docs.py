"""The documentation of the dbt project as one page that needs no server and no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ame_warehouse.errors import BuildError
from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.quality import explained_gaps
from ame_warehouse.settings import Settings

TIMEOUT_S = 300
OFFLINE = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self' 'unsafe-inline' "
    "'unsafe-eval' data: blob: file:; connect-src 'self' data:; form-action 'none'\">"
)


def build_docs(settings: Settings, out: Path | None = None) -> Path:
    """Write the page (about 7 MB) and return it: models, columns, tests, SQL, lineage, exposures.

    `out` is the directory, AME_HOME/docs/dbt without it. Types and sizes of tables are those of
    the candidate of the published version; without it they are left out. Raises `BuildError` when dbt fails.
    """
    out = out or settings.home / "docs" / "dbt"
    work = settings.build / "docs"
    body = read_manifest(settings) or {}
    candidate = settings.build / f"{body.get('version')}.duckdb"
    arguments = ["docs", "generate", "--static", *([] if candidate.is_file() else ["--empty-catalog"])]
    for folder in (work, settings.observations):
        folder.mkdir(parents=True, exist_ok=True)
    done = _dbt(settings, arguments, candidate if candidate.is_file() else work / "empty.duckdb", work)
    page = work / "target" / "static_index.html"
    if done.returncode or not page.is_file():
        raise BuildError(
            "the documentation of the dbt project could not be built",
            expected="dbt docs generate --static ends well",
            found=(done.stdout + done.stderr).strip()[-600:] or f"exit status {done.returncode}",
            source=str(work / "logs" / "dbt.log"),
            action="correct what dbt says; a build that is going on holds the candidate: try again after it",
        )
    out.mkdir(parents=True, exist_ok=True)
    target = out / "index.html"
    partial = out / ".index.html.partial"
    text = page.read_text(encoding="utf-8")
    partial.write_text(text.replace("<head>", f"<head>{OFFLINE}", 1), encoding="utf-8")
    partial.replace(target)
    shutil.rmtree(work, ignore_errors=True)
    return target


def _dbt(
    settings: Settings, arguments: list[str], file: Path, work: Path
) -> subprocess.CompletedProcess[str]:
    variables = {
        "ame_mode": settings.sources,
        "ame_today": explained_gaps.build_day(None).isoformat(),
        "ame_scope": settings.municipality_scope,
    }
    environment = {
        **os.environ,
        "AME_OBSERVATIONS": str(settings.observations),
        "AME_ACKNOWLEDGED_GAPS": str(explained_gaps.store_path(settings)),
        "AME_BUILD_FILE": str(file),
        "AME_MEMORY_LIMIT": settings.memory_limit,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
        "DO_NOT_TRACK": "1",
    }
    project = str(settings.dbt_project)
    command = [
        *(sys.executable, "-m", "dbt.cli.main", "--quiet", "--no-version-check", "--no-use-colors"),
        *("--log-path", str(work / "logs"), *arguments, "--project-dir", project, "--profiles-dir", project),
        *("--target-path", str(work / "target"), "--vars", json.dumps(variables)),
    ]
    try:
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no end after {TIMEOUT_S} seconds")
