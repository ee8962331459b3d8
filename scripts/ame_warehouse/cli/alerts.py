"""`ame alerts`: do alerts arrive, and what waits?"""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="Try the addresses in AME_ALERT_URLS; list what could not be delivered yet.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("test")
def test(
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON on stdout.")] = False,
) -> None:
    """Send one test message to every address in AME_ALERT_URLS and say which took it.

    Exit status 1 when one of them did not.
    """
    import socket

    from ame_warehouse.alerts import delivery, routes
    from ame_warehouse.alerts.message import plain
    from ame_warehouse.cli import output
    from ame_warehouse.errors import SettingsError
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    found = routes.parse(settings)
    if not found:
        raise SettingsError(
            "there is no address to send to",
            expected=routes.SYNTAX,
            found="AME_ALERT_URLS is empty",
            source="environment or .env",
            action="set AME_ALERT_URLS; .env.example has an example",
        )
    answers = []
    for route in found:
        message = plain(
            "[ame] TEST alerts arrive here",
            "info",
            [
                ("What", "A test: nothing is wrong. Åtgärd behövs inte."),
                ("Route", route.label),
                ("From", f"{socket.gethostname()}, AME_HOME {settings.home}"),
            ],
        )
        answers.append((route, delivery.send(route, message)))
    if as_json:
        output.write_json([{"route": r.name, "label": r.label, "error": e} for r, e in answers])
    else:
        for route, error in answers:
            typer.echo(
                f"{'arrived' if error is None else 'FAILED'}  {route.label}" + (f": {error}" if error else "")
            )
    if any(error for _, error in answers):
        raise typer.Exit(1)


@app.command("outbox")
def outbox(
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON on stdout.")] = False,
) -> None:
    """List the alerts that have not arrived yet. The next run or watch tries them again."""
    import dataclasses

    from ame_warehouse.alerts.outbox import Outbox
    from ame_warehouse.cli import output
    from ame_warehouse.settings import load_settings

    waiting = Outbox(load_settings()).waiting()
    if as_json:
        output.write_json([dataclasses.asdict(message) for message in waiting])
    elif not waiting:
        typer.echo("Nothing waits: every alert has arrived.")
    else:
        output.write_table(
            ("since (UTC)", "route", "attempts", "next (UTC)", "subject", "last error"),
            [
                [w.created_at[:16], w.route, w.attempts, w.next_at[:16], w.subject, w.last_error]
                for w in waiting
            ],
        )
