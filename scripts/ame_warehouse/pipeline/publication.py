"""A publication that failed is an incident until a version is published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ame_warehouse.errors import CopyDiffersError, PublishError
from ame_warehouse.quality import register
from ame_warehouse.quality.incident import Incident, Recorded
from ame_warehouse.quality.incidents import IncidentStore
from ame_warehouse.quality.results import now_text
from ame_warehouse.settings import Settings

PUBLICATION = "publication"
COPY = "published_copy"


def failed(settings: Settings, version: str, error: PublishError) -> Recorded:
    """Record that a version could not be published; a copy that differs is a fault of its own."""
    check = COPY if isinstance(error, CopyDiffersError) else PUBLICATION
    result = register.result(settings, check, failed=True, found=str(error), action=error.action)
    return IncidentStore(settings).record([result], version, result.ran_at)


def succeeded(settings: Settings, version: str) -> Recorded:
    """Record that a version is published, and that each copy was held against the candidate."""
    found = {PUBLICATION: f"version {version} is published", COPY: "the same rows and digests"}
    results = [register.result(settings, check, failed=False, found=text) for check, text in found.items()]
    return IncidentStore(settings).record(results, version, results[0].ran_at)


def as_published(incidents: Iterable[Incident]) -> list[Incident]:
    """Return the incidents as they are once this version is published: a failed publication is over."""
    return [
        replace(i, resolved_at=now_text()) if i.check_id in (PUBLICATION, COPY) and i.is_open else i
        for i in incidents
    ]
