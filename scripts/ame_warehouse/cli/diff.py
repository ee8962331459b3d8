"""`ame diff A B`: what changed between two published versions, or between two days."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ame_warehouse.cli.gaps import Format
from ame_warehouse.cli.options import id_list

SHOWN_REVISIONS, SHOWN_ROWS = 15, 40


def diff(  # noqa: PLR0917 (the options of the command)
    a: Annotated[str, typer.Argument(metavar="A", help="A version, `published`, or a day (YYYY-MM-DD).")],
    b: Annotated[str, typer.Argument(metavar="B", help="What to compare it with: the later one.")],
    measure: Annotated[
        str | None, typer.Option(help="Measure or Kolada ids, comma-separated: U40455,N40011.")
    ] = None,
    municipality: Annotated[
        str | None, typer.Option(help="Municipality ids or names, comma-separated: 1480,Tjörn.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write the list.")] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Say what changed from A to B: added, revised and withdrawn values, gaps, definitions.

    `ame versions` lists the versions. A day means what was known at its end (UTC), according to
    marts.observation_history of the published version.
    """
    from ame_warehouse.cli import output, waiting
    from ame_warehouse.history import diff as history
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    with waiting.shown("compare"):
        report = history.compare(
            settings,
            history.state(settings, a),
            history.state(settings, b),
            id_list(measure),
            id_list(municipality),
        )
    if as_json or form is Format.json:
        output.write_json(report)
    elif form is Format.csv:
        columns = history.COLUMNS
        output.write_csv(columns, [[row[name] for name in columns] for row in report["changes"]])
    else:
        _write(report)


def _write(report: dict[str, Any]) -> None:
    from ame_warehouse.cli import output
    from ame_warehouse.history.diff import KINDS

    for letter in ("a", "b"):
        side = report[letter]
        typer.echo(f"{letter.upper()}  {side['kind']} {side['name']}, as of {side['as_of']}")
    output.write_table(
        ("change", "number", "what it is"), [[kind, report["summary"][kind], KINDS[kind]] for kind in KINDS]
    )
    if report["definitions_not_compared"]:
        typer.echo(f"Definitions were not compared: {report['definitions_not_compared']}")
    if report["revised"]:
        typer.echo("Largest revision of each measure")
        names = ("measure", "n", "municipality", "period", "gender", "value_before", "value_after")
        shown = report["revised"][:SHOWN_REVISIONS]
        output.write_table(
            (*names, "difference", "per cent"),
            [
                [*(one[name] for name in names), one["largest_difference"], one["largest_difference_pct"]]
                for one in shown
            ],
        )
    _write_rows(report["changes"])


def _write_rows(changes: list[dict[str, Any]]) -> None:
    from ame_warehouse.cli import output

    if not changes:
        typer.echo("Nothing changed.")
        return
    names = ("change", "measure", "municipality", "period", "gender")
    output.write_table(
        (*names, "before", "after"),
        [
            [
                *(row[name] for name in names),
                _either(row["value_before"], row["before"]),
                _either(row["value_after"], row["after"]),
            ]
            for row in changes[:SHOWN_ROWS]
        ],
    )
    if len(changes) > SHOWN_ROWS:
        typer.echo(f"… and {len(changes) - SHOWN_ROWS} more: --format csv gives all of them")


def _either(value: Any, text: Any) -> Any:
    return text if value is None else value
