"""`ame quarantine`: what the sources wrote and could not be read; say what it is, or take that back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

app = typer.Typer(
    help="List what could not be read; `show` tells its story, `release` says what it is, `undo` ends that.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a row, such as Q-0a1b2c3d4e.")]
By = Annotated[str, typer.Option(help="Who decides: a role.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON on stdout.")]


@app.callback()
def quarantine(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was released, or replaced by a later answer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what could not be read and waits for somebody, as of the published version."""
    if context.invoked_subcommand is not None:
        return
    from ame_warehouse.cli import output

    rows = _rows("true" if everything else "state = 'held'", [])
    if as_json:
        output.write_json(rows)
    elif not rows:
        typer.echo("Nothing is in quarantine.")
    else:
        columns = ("quarantine_id", "state", "municipality", "measure_id", "year", "gender", "raw_value")
        output.write_table(
            (*columns, "where", "reason"),
            [[*(row[name] for name in columns), row["place_in_source"], row["reason"]] for row in rows],
        )


@app.command("show")
def show(quarantine_id: Id, as_json: AsJson = False) -> None:
    """Show one row, where its raw answer is kept, and every decision about it."""
    import dataclasses

    from ame_warehouse.cli import output
    from ame_warehouse.quality import releases
    from ame_warehouse.settings import load_settings

    row = _row(quarantine_id)
    story = [dataclasses.asdict(one) for one in releases.decisions(load_settings(), quarantine_id)]
    if as_json:
        output.write_json({**row, "decisions": story})
        return
    for name, value in row.items():
        typer.echo(f"{name:<21} {'' if value is None else value}")
    if story:
        columns = ("decided_at", "decision", "value", "decided_by", "note")
        output.write_table(columns, [[one[name] for name in columns] for one in story])


@app.command("release")
def release(
    quarantine_id: Id,
    value: Annotated[float, typer.Option(help="What it is, in the unit of the measure: 12.5.")],
    by: By,
    note: Annotated[str, typer.Option(help="How it is known.")],
    as_json: AsJson = False,
) -> None:
    """Say what a row is. The next `ame run` publishes the value and marks it (`is_released`).

    It holds for this text at this place only: when the source writes something else, that is used.
    """
    from ame_warehouse.errors import AmeError
    from ame_warehouse.quality import releases
    from ame_warehouse.settings import load_settings

    row = _row(quarantine_id)
    if not row["is_releasable"] or row["state"] == "superseded":
        raise AmeError(
            f"{quarantine_id} cannot be given a value",
            expected="a cell of Kolada that is in force: it has a place, a year and a gender",
            found=f"{row['place_in_source']}, {row['state']}: {row['reason']}",
            action="nothing has to be done"
            if row["state"] == "superseded"
            else "mend the reading (a spelling in the seeds af_*, a layout in scripts/ame_warehouse), then "
            "`ame reparse` and `ame run`: it comes in by itself; or tell the source",
        )
    done = releases.release(load_settings(), quarantine_id, value, by=by, note=note, **_about(row))
    _said(done, as_json, f"{quarantine_id} is released as {done.value}; `ame run` publishes it")


@app.command("undo")
def undo(
    quarantine_id: Id,
    by: By,
    note: Annotated[str, typer.Option(help="Why the release was wrong.")],
    as_json: AsJson = False,
) -> None:
    """Take a release back. The row is in quarantine again after the next `ame run`."""
    from ame_warehouse.quality import releases
    from ame_warehouse.settings import load_settings

    about = _about(_row(quarantine_id))
    done = releases.undo(load_settings(), quarantine_id, by=by, note=note, **about)
    _said(done, as_json, f"{quarantine_id} is in quarantine again after the next `ame run`")


def _said(decision: Any, as_json: bool, text: str) -> None:
    import dataclasses

    from ame_warehouse.cli import output

    if as_json:
        output.write_json(dataclasses.asdict(decision))
    else:
        typer.echo(text)


def _about(row: dict[str, Any]) -> dict[str, str]:
    about = " ".join(str(row[name]) for name in ("measure_id", "municipality_id", "year", "gender"))
    return {"raw_value": str(row["raw_value"] or ""), "about": about}


def _row(quarantine_id: str) -> dict[str, Any]:
    from ame_warehouse.errors import AmeError

    rows = _rows("quarantine_id = ?", [quarantine_id])
    if not rows:
        raise AmeError(
            f"{quarantine_id} is not in quarantine",
            expected="the id of a row of quality.quarantine",
            found=quarantine_id,
            action="list them with `ame quarantine --all`",
        )
    return rows[0]


def _rows(condition: str, values: list[str]) -> list[dict[str, Any]]:
    from ame_warehouse.pipeline.published import open_published
    from ame_warehouse.settings import load_settings

    with open_published(load_settings()) as con:
        cursor = con.execute(
            f"select * from quality.quarantine where {condition} order by all",  # noqa: S608
            values,
        )
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
