"""`ame checks`: the register of checks; what each says, how grave it is, who acts and how."""

from __future__ import annotations

from typing import Annotated

import typer

COLUMNS = ("check_id", "stage", "severity", "owner", "says", "action")


def checks(
    as_json: Annotated[bool, typer.Option("--json", help="The whole register as JSON on stdout.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="The page docs/checks.md on stdout.")
    ] = False,
    find: Annotated[
        str | None,
        typer.Option("--find", metavar="TEXT", help="Only checks with this text in id or sentence."),
    ] = None,
) -> None:
    """List every check: its sentence, severity, who acts and what to do."""
    from ame_warehouse.cli import output
    from ame_warehouse.quality import checks_page
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    if as_markdown:
        typer.echo(checks_page.markdown(settings), nl=False)
        return
    wanted = (find or "").casefold()
    rows = [
        row
        for row in checks_page.rows(settings)
        if wanted in row["check_id"].casefold() or wanted in row["says"].casefold()
    ]
    if as_json:
        output.write_json(rows)
        return
    output.write_table(COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
