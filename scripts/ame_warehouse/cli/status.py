"""`ame status`: what is published, as of when, and whether it is up to date."""

from __future__ import annotations

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
    if report.get("stale"):
        typer.echo(f"  stale since   {report.get('stale_since')}: {report.get('stale_reason')}")
    typer.echo(f"  built at      {report.get('built_at')}")
    typer.echo(f"  as of         {report.get('as_of')}")
    typer.echo(f"  code          {report.get('git_revision')}")
    for name, source in (report.get("sources") or {}).items():
        typer.echo(
            f"  {name:<13} newest fetch {source.get('newest_fetch')} ({source.get('mode')}), "
            f"figures as of {source.get('fetched_at')}, retrieved {source.get('retrieved_at')}"
        )
    missing = ", ".join(f"{n} {reason}" for reason, n in report["gaps"].items())
    total = sum(report["gaps"].values())
    typer.echo(f"  missing cells {total}" + (f" ({missing})" if missing else ""))
    names = ", ".join(
        f"{i['incident_id']} ({i['severity']}, {i['check_id']})" for i in report["open_incidents"]
    )
    typer.echo(f"  incidents     {len(incidents)} open" + (f": {names}" if names else ""))
    for one in reversed(report["backfills"]):
        typer.echo(f"  backfill      {backfill_log.line(one)}")
    used = {name: f"{size / 1e6:.0f} MB" for name, size in report["disk_bytes"].items()}
    total = used.pop("total")
    typer.echo(
        f"  disk          {total} (" + ", ".join(f"{name} {size}" for name, size in used.items()) + ")"
    )
    typer.echo(f"  files         {settings.published}")
