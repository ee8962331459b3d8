"""PostgreSQL as a step of the pipeline: a failure is an incident, never the end of the DuckDB publication."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ame_warehouse.errors import AmeError
from ame_warehouse.quality import register
from ame_warehouse.quality.incident import Recorded
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.quality.results import CheckResult
from ame_warehouse.settings import Settings

CHECK_ID = "postgres_publication"
Status = Literal["off", "unchanged", "published", "failed"]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What came of PostgreSQL in this run.

    `off`: AME_SERVE_DSN is empty; `unchanged`: it shows the version already; `failed`: `error` says why, its
    readers keep what they had, and the next run tries again. `detail` is that of `postgres.Served`.
    """

    status: Status
    error: AmeError | None
    detail: dict[str, Any]
    recorded: Recorded

    def as_dict(self) -> dict[str, Any]:
        """Return what the result of a step says: status, error (text or None) and the particulars."""
        return {"status": self.status, "error": str(self.error) if self.error else None, **self.detail}


def serve(settings: Settings, manifest: dict[str, Any]) -> Outcome:
    """Publish this version to AME_SERVE_DSN, when one is set, and record or resolve the incident.

    Never raises for a fault of the address, the server or the data: the DuckDB publication stands.
    """
    return _recorded(settings, manifest, is_forced=True)


def catch_up(settings: Settings, manifest: dict[str, Any]) -> Outcome:
    """The same for a run in which nothing new is published: only when PostgreSQL shows another version."""
    return _recorded(settings, manifest, is_forced=False)


def _recorded(settings: Settings, manifest: dict[str, Any], *, is_forced: bool) -> Outcome:
    version = str(manifest.get("version"))
    error: AmeError | None = None
    detail: dict[str, Any] = {}
    status: Status = "off"
    if settings.serve_dsn:
        from ame_warehouse.serve import postgres

        try:
            if not is_forced and postgres.shown_version(settings) == version:
                status = "unchanged"
            else:
                detail = asdict(postgres.publish(settings, manifest))
                status = "published" if detail["attempts"] else "unchanged"
        except AmeError as exc:
            status, error = "failed", exc
            log.error("%s", exc)
    result = _result(settings, error, status, version)
    recorded = IncidentStore(settings).record([result], f"serve-{result.ran_at}", result.ran_at)
    return Outcome(status, error, detail, recorded)


def _result(settings: Settings, error: AmeError | None, status: Status, version: str) -> CheckResult:
    return register.result(
        settings,
        CHECK_ID,
        failed=error is not None,
        expected=f"PostgreSQL shows version {version}",
        found=str(error) if error else status,
        action=error.action if error else None,
    )
