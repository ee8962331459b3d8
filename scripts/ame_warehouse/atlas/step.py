"""The atlas as a step of the pipeline: a failure is an incident, never the end of the run; the data stand."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from ame_warehouse.errors import AmeError
from ame_warehouse.quality import register
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.settings import Settings

CHECK_ID = "atlas_made"
log = logging.getLogger(__name__)


def make(settings: Settings) -> dict[str, Any]:
    """Make the atlas of the published version, unless it is there, and record or resolve the incident.

    Returns `{"status": "made" | "unchanged" | "failed", "error", "incidents": [ids that changed], …}`
    with the particulars of `build.Made`. Never raises for a fault of the site: whoever reads it keeps the one
    before.
    """
    from ame_warehouse.atlas import build

    error: AmeError | None = None
    detail: dict[str, Any] = {}
    try:
        detail = asdict(build.make(settings))
    except AmeError as exc:
        error = exc
    except Exception as exc:  # a fault of a page must not cost the run its success
        log.exception("the atlas could not be made")
        error = AmeError(
            "the atlas could not be made",
            found=f"{type(exc).__name__}: {exc}",
            action="read the log of the run, mend the cause, then `ame atlas`",
        )
    version = str(detail.get("version", ""))
    result = register.result(
        settings,
        CHECK_ID,
        failed=error is not None,
        found=str(error) if error else f"the atlas shows {version}",
        action=error.action if error else None,
    )
    recorded = IncidentStore(settings).record([result], f"atlas-{result.ran_at}", result.ran_at)
    status = "failed" if error else "made" if detail["is_made"] else "unchanged"
    return {
        "status": status,
        "error": str(error) if error else None,
        "incidents": [*recorded.opened, *recorded.reopened, *recorded.resolved],
        **detail,
    }
