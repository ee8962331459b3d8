"""`ame incidents`: what is wrong, since when, who should act, and who knows."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

SHOWN_ROWS = 40
app = typer.Typer(
    help="List the open incidents; `ack` marks one as known, `show` tells its story.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@app.callback()
def incidents(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also the resolved ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON on stdout.")] = False,
) -> None:
    """List the open incidents; `ack` marks one as known, `show` tells its story."""
    if context.invoked_subcommand is not None:
        return
    from ame_warehouse.cli import output
    from ame_warehouse.quality.incidents import list_incidents
    from ame_warehouse.settings import load_settings

    found = list_incidents(load_settings(), open_only=not everything)
    if as_json:
        output.write_json([_record(incident) for incident in found])
        return
    if not found:
        typer.echo("No incidents." if everything else "No open incidents.")
        return
    for incident in found:
        if incident.resolved_at:
            state = f"resolved {_minute(incident.resolved_at)}"
        elif incident.acknowledged_by:
            state = f"open, known to {incident.acknowledged_by}: {incident.note}"
        else:
            state = "open"
        typer.echo(f"{incident.incident_id}  {incident.severity}  {incident.check_id}  [{state}]")
        typer.echo(f"    {incident.summary}")
        typer.echo(
            f"    since {_minute(incident.opened_at)} UTC, last seen {_minute(incident.last_seen_at)}, "
            f"{output.counted(incident.times_seen, 'time')}; {incident.owner}: {incident.action}"
        )


@app.command("ack")
def acknowledge(
    incident_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an open incident: INC-0012.")],
    by: Annotated[str, typer.Option(help="Who knows: a role or a name.")],
    note: Annotated[str, typer.Option(help="Why it is known, or what is being done.")],
    until: Annotated[
        str | None, typer.Option(help="Last day (YYYY-MM-DD); after it the incident is told again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The incident as JSON on stdout.")] = False,
) -> None:
    """Mark an open incident as known. It stays open until a run finds the fault gone."""
    from ame_warehouse.cli import output
    from ame_warehouse.quality.explained_gaps import last_day
    from ame_warehouse.quality.incidents import IncidentStore
    from ame_warehouse.quality.results import now_text
    from ame_warehouse.settings import load_settings

    last = last_day(until).isoformat() if until is not None else None
    incident = IncidentStore(load_settings()).acknowledge(incident_id, by, note, now_text(), last)
    if as_json:
        output.write_json(_record(incident))
    else:
        typer.echo(
            f"{incident.incident_id} is marked as known to {incident.acknowledged_by}"
            f"{f' until {last}' if last else ''}: {incident.note}"
        )


@app.command("show")
def show(
    incident_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an incident, such as INC-0012.")],
    as_json: Annotated[bool, typer.Option("--json", help="Incident and history as JSON on stdout.")] = False,
) -> None:
    """Show one incident and everything that has happened to it."""
    from ame_warehouse.cli import output
    from ame_warehouse.quality.incidents import IncidentStore
    from ame_warehouse.settings import load_settings

    store = IncidentStore(load_settings())
    incident, history = store.get(incident_id), store.history(incident_id)
    if as_json:
        output.write_json({**_record(incident), "history": history})
        return
    for name, value in _record(incident).items():
        typer.echo(f"{name:<21} {'' if value is None else value}")
    output.write_table(
        ("at", "event", "run", "by", "detail"),
        [[h["at"], h["event"], h["run_id"], h["by"], h["detail"]] for h in history],
    )


@app.command("rows")
def rows(
    incident_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an incident, such as INC-0003.")],
    as_json: Annotated[bool, typer.Option("--json", help="The rows as JSON on stdout.")] = False,
) -> None:
    """Show the rows that fail, from the version or the refused candidate in which they were found."""
    from ame_warehouse.alerts.evidence import failing_rows
    from ame_warehouse.cli import output
    from ame_warehouse.errors import AmeError
    from ame_warehouse.quality.incidents import IncidentStore
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    incident = IncidentStore(settings).get(incident_id)
    found = failing_rows(settings, incident)
    if found is None:
        raise AmeError(
            f"there are no failing rows of {incident.incident_id} to show",
            expected="a table of failing rows in the last build that saw the incident",
            found="an incident without rows, or a build that is kept no longer",
            action=f"`ame incidents show {incident.incident_id}`; the next run that sees it keeps its rows",
        )
    path, table, failing = found
    if as_json:
        output.write_json(failing)
        return
    _write_rows(incident, failing, f"{table} in {path}")


def _write_rows(incident: Any, failing: list[dict[str, Any]], place: str) -> None:
    """Write failing rows for a person: what holds for all once, then a line per row."""
    from ame_warehouse.alerts.evidence import as_seen
    from ame_warehouse.cli import output

    typer.echo(f"{incident.incident_id} {incident.check_id}: {output.counted(len(failing), 'failing row')}")
    seen = [as_seen(row) for row in failing]
    expected = list(dict.fromkeys(row["expected"] for row in seen))
    said = [
        ("what", incident.summary.split(" Expected ")[0]),
        ("expected", expected[0] if len(expected) == 1 else ""),
    ]
    said += [("who acts", f"{incident.owner}: {incident.action}"), ("table", place)]
    for name, text in said:
        if text:
            typer.echo(f"  {name:<9} {text}")
    columns = [c for c in seen[0] if any(row[c] for row in seen) and (c != "expected" or len(expected) > 1)]
    output.write_table(columns, [[row[c] for c in columns] for row in seen[:SHOWN_ROWS]])
    if len(seen) > SHOWN_ROWS:
        typer.echo(f"… and {len(seen) - SHOWN_ROWS} more: --json gives all, with every column")


def _record(incident: Any) -> dict[str, Any]:
    return dataclasses.asdict(incident)


def _minute(text: str) -> str:
    """Return a time to the minute, for people."""
    return text[:16].replace("T", " ")
