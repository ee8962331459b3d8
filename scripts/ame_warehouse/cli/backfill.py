"""`ame backfill`: reload chosen measures, years and municipalities; logged, and with a preview."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ame_warehouse.cli.options import id_list, user_name, year_list


def backfill(  # noqa: PLR0917 (the options of the command)
    measures: Annotated[
        str | None, typer.Option(help="Only these Kolada measures, comma-separated: U40455,N40011.")
    ] = None,
    years: Annotated[str | None, typer.Option(help="Only these years: 2020-2023,2025.")] = None,
    municipalities: Annotated[
        str | None, typer.Option(help="Only these municipalities or groups, comma-separated: 1480,G96190.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many requests and cells; ask the source nothing.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="Why, for the log.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Who, for the log (default: the user of this machine).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Plan or result as JSON on stdout.")] = False,
) -> None:
    """Fetch chosen measures and years again, build, check and publish; everything else stays as loaded.

    Logged in AME_HOME/quality/backfills.jsonl and quality.backfills: who, why, when, and what changed. A
    backfill that was interrupted goes on where it stopped when the same is asked for within a day.
    """
    from ame_warehouse.cli.output import write_json
    from ame_warehouse.history import backfill as history
    from ame_warehouse.settings import load_settings

    order = history.Order(id_list(measures), id_list(municipalities), year_list(years))
    if order == history.Order(None, None, None):
        raise typer.BadParameter(
            "name --measures, --years or --municipalities; for everything there is `ame run`"
        )
    settings = load_settings()
    plan = history.preview(settings, order)  # also says at once when a name is unknown
    if dry_run:
        if as_json:
            write_json({**order.record(), "dry_run": True, **plan})
        else:
            _write_plan(plan)
        return
    entry = _run(settings, order, by or user_name(), reason)
    if as_json:
        write_json(entry)
        return
    typer.echo(f"{entry['requests']} requests in {entry['seconds']} s; measures: {entry['measure_outcomes']}")
    if entry["version_after"] == entry["version_before"]:
        typer.echo(f"Nothing new: version {entry['version_after']} stays published")
    else:
        typer.echo(f"Published version {entry['version_after']} (before: {entry['version_before']})")
        for kind, number in (entry["changed"] or {}).items():
            if number:
                typer.echo(f"  {kind:<15} {number}")


def _run(settings: Any, order: Any, by: str, reason: str | None) -> dict[str, Any]:
    from ame_warehouse.errors import AmeError, BusyError
    from ame_warehouse.history import backfill_log
    from ame_warehouse.pipeline import runner
    from ame_warehouse.pipeline.display import Display

    landed = backfill_log.interrupted(settings, order.record())
    if landed is not None:
        typer.echo(f"going on with {landed['backfill_id']}: it has landed, nothing is asked again", err=True)
    options = runner.RunOptions(
        **order.record(),
        reason=reason,
        requested_by=by,
        resume=landed["backfill_id"] if landed else None,
    )
    try:
        outcome = runner.run(settings, options, Display)
    except BusyError:
        raise  # nothing was begun: nothing to log
    except AmeError as error:
        backfill_log.give_up(settings, order.record(), by, reason, str(error))
        raise
    return backfill_log.by_id(settings, outcome["steps"]["fetch_kolada"]["backfill_id"]) or {}


def _write_plan(plan: dict[str, Any]) -> None:
    more = plan["requests_at_most"]
    pages = (
        f", at most {more} when the answers hold more than is loaded now"
        if (more or 0) > plan["requests"]
        else ""
    )
    cells = f"{plan['cells']} cells" if plan["cells"] else "cells of all years that the source has"
    fetches = f" in {plan['fetches']} fetches" if plan["fetches"] > 1 else ""
    typer.echo(f"Would make {plan['requests']} requests{fetches}{pages}")
    typer.echo(f"  {plan['measures']} measures × {plan['places']} places (riket always with them): {cells}")
    if plan["has_value"] is not None:
        typer.echo(
            f"  loaded now: {plan['has_value']} with a value, {plan['missing']} without; these can change"
        )
    if plan["not_in_catalogue"]:
        typer.echo("  cannot be fetched any more: " + ", ".join(plan["not_in_catalogue"]))
