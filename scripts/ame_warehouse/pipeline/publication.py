"""A publication that failed is an incident until a version is published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ame_warehouse.errors import PublishError
from ame_warehouse.quality import register
from ame_warehouse.quality.incidents import Incident, IncidentStore, Recorded
from ame_warehouse.quality.results import now_text
from ame_warehouse.settings import Settings

PUBLICATION = "publication"


def failed(settings: Settings, version: str, error: PublishError) -> Recorded:
    """Record that a version could not be published."""
    return _record(settings, version, error)


def succeeded(settings: Settings, version: str) -> Recorded:
    """Record that a version is published."""
    return _record(settings, version, None)


def as_published(incidents: Iterable[Incident]) -> list[Incident]:
    """Return the incidents as they are once this version is published: a failed publication is over."""
    return [
        replace(i, resolved_at=now_text()) if i.check_id == PUBLICATION and i.is_open else i
        for i in incidents
    ]


def _record(settings: Settings, version: str, error: PublishError | None) -> Recorded:
    result = register.result(
        settings,
        PUBLICATION,
        failed=error is not None,
        found=str(error) if error else f"version {version} is published",
        action=error.action if error else None,
    )
    return IncidentStore(settings).record([result], version, result.ran_at)
