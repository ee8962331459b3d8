"""`ame watch`: look after the warehouse without Airflow; for cron."""

from __future__ import annotations

from typing import Annotated

import typer


def watch(
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON on stdout.")] = False,
) -> None:
    """Say whether something runs, is published and fresh; send alerts; let the outside monitor know.

    Needs neither Airflow nor a lock, so that a pipeline that hangs cannot silence it. Exit status 1 when a
    check failed, an alert did not arrive, or the address in AME_HEARTBEAT_URL did not answer.
    """
    from ame_warehouse.alerts import routes
    from ame_warehouse.cli import output
    from ame_warehouse.pipeline import watchdog
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    _, problems = routes.usable(settings)
    report = watchdog.watch(settings)
    if as_json:
        output.write_json(report)
    else:
        for check, status in report["checks"].items():
            typer.echo(f"{'ok' if status == 'passed' else 'WRONG':<6} {check}")
        told = report["alerts"]
        typer.echo(f"alerts {told['arrived']} arrived, {told['waiting']} waiting" + _reasons(told["failed"]))
        typer.echo(f"heartbeat {report['heartbeat']}")
    for problem in problems:
        typer.echo(f"ame: {problem}", err=True)
    well = all(status == "passed" for status in report["checks"].values())
    if not well or problems or report["alerts"]["failed"] or report["heartbeat"] not in ("off", "sent"):
        raise typer.Exit(1)


def _reasons(failed: dict[str, str]) -> str:
    return "".join(f"; {route}: {why}" for route, why in failed.items())
