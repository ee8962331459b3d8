"""From AF's workbooks to the parsed observations: the two steps of `ingest_arbetsformedlingen`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ame_warehouse.arbetsformedlingen.download import SOURCE, Fetch, Order, Progress
from ame_warehouse.arbetsformedlingen.objects import Workbooks
from ame_warehouse.arbetsformedlingen.parse import has_unparsed, parse_fetches
from ame_warehouse.landing.store import remove_partials
from ame_warehouse.settings import Settings


def fetch_af(settings: Settings, progress: Progress | None = None) -> dict[str, Any]:
    """Fetch AF's workbooks (AME_AF_URL), or those of the bundled sample, into the landing.

    Args:
        progress: called with (files done, files found, file name).

    Returns {"fetch_ids": [...], "changed": bool, "files": {outcome: number, of the newest vintage},
    "requests": n}.
    `changed` is false when nothing is new and all that was new before has been parsed: then there is
    nothing to parse and nothing to build. Call as the one writer. Raises `SourceUnavailableError` when the
    page cannot be reached, `SourceError` when it is not the index page, `LandingError` when the landing
    cannot be written.
    """
    remove_partials(settings.landing, SOURCE)
    Workbooks(settings.landing).clear_incoming()
    fetches: list[dict[str, Any]] = []
    if settings.sources == "live":
        fetches.append(Fetch(settings, Order(settings.af_url, "live"), progress).run())
    else:
        from ame_warehouse.sample.af_server import serve_af_sample

        with serve_af_sample() as sample:
            for vintage, url in sample.vintages():
                fetches.append(Fetch(settings, Order(url, "sample", vintage), progress).run())
    outcomes = Counter(one["outcome"] for one in fetches[-1]["files"])
    return {
        "fetch_ids": [fetch["fetch_id"] for fetch in fetches],
        "changed": has_unparsed(settings),
        "files": dict(sorted(outcomes.items())),
        "requests": sum(fetch["n_requests"] for fetch in fetches),
    }


def parse_af(settings: Settings, fetch_ids: Sequence[str]) -> dict[str, Any]:
    """Parse fetches into Parquet (and any earlier one that is not parsed yet).

    Returns {"observations": rows written, "unchanged": files whose rows were known, "findings": rows,
    "skipped": fetches that changed nothing}.
    """
    return dict(parse_fetches(settings, list(fetch_ids)))
