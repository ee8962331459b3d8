"""`ame status`: what is published, as of when, and whether it is up to date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

SHOWN_BACKFILLS = 3


def status(
    as_json: Annotated[bool, typer.Option("--json", help="The status as JSON on stdout.")] = False,
) -> None:
    """Say what is published and as of when, what is missing, and which incidents are open."""
    from ame_warehouse.cli import output
    from ame_warehouse.history import backfill_log
    from ame_warehouse.pipeline import disk
    from ame_warehouse.pipeline.published import open_published, read_manifest, rows
    from ame_warehouse.quality.incidents import list_incidents
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    manifest = read_manifest(settings)
    with open_published(settings) as con:
        gaps = rows(
            con, "select missing_reason, count(*) as n from quality.gaps group by all order by missing_reason"
        )
    incidents = list_incidents(settings, open_only=True)
    report: dict[str, Any] = {
        **manifest,
        "home": str(settings.home),
        "gaps": {row["missing_reason"]: row["n"] for row in gaps},
        "open_incidents": [
            {"incident_id": i.incident_id, "severity": i.severity, "check_id": i.check_id} for i in incidents
        ],
        "backfills": backfill_log.logged(settings)[-SHOWN_BACKFILLS:],
        "disk_bytes": disk.use(settings),
    }
    if as_json:
        output.write_json(report)
        return
    typer.echo(f"Published version {report['version']}" + (" (STALE)" if report.get("stale") else ""))
    lines = list(_lines(report))
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        typer.echo(f"  {name:<{width}} {text}")


def _lines(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a person reads: a name and a text for each line."""
    from ame_warehouse.history import backfill_log

    if report.get("stale"):
        yield "stale since", f"{report.get('stale_since')}: {report.get('stale_reason')}"
    yield "built at", str(report.get("built_at"))
    yield "as of", str(report.get("as_of"))
    yield "code", str(report.get("git_revision"))
    for name, source in (report.get("sources") or {}).items():
        yield (
            name,
            (
                f"newest fetch {source.get('newest_fetch')} ({source.get('mode')}), "
                f"figures as of {source.get('fetched_at')}, retrieved {source.get('retrieved_at')}"
            ),
        )
    missing = ", ".join(f"{n} {reason}" for reason, n in report["gaps"].items())
    yield "missing cells", f"{sum(report['gaps'].values())}" + (f" ({missing})" if missing else "")
    open_ones = report["open_incidents"]
    names = ", ".join(f"{i['incident_id']} ({i['severity']}, {i['check_id']})" for i in open_ones)
    yield "incidents", f"{len(open_ones)} open" + (f": {names}" if names else "")
    for one in reversed(report["backfills"]):
        yield "backfill", backfill_log.line(one)
    used = {name: f"{size / 1e6:.0f} MB" for name, size in report["disk_bytes"].items()}
    total = used.pop("total")
    yield "disk", f"{total} (" + ", ".join(f"{name} {size}" for name, size in used.items()) + ")"
    yield "files", f"{report['home']}/published"
