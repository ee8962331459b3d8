"""`ame dictionary`: what every published column means."""

from __future__ import annotations

from typing import Annotated

import typer


def dictionary(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT]", help="Only columns whose table, name, Swedish name or meaning has it."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole entries as JSON on stdout.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the pages docs/dictionary/*.md of this project anew.")
    ] = False,
) -> None:
    """Show what the published columns mean: unit, denominator, source, since when, caveats.

    Needs nothing published: the texts stand in the dbt project. Exit status 1 when a column is not described.
    """
    from ame_warehouse.cli import output
    from ame_warehouse.dictionary import pages
    from ame_warehouse.dictionary.entries import dictionary as entries
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    if write:
        changed = pages.write_pages(settings)
        for path in changed:
            typer.echo(str(path.relative_to(settings.project)))
        typer.echo(f"{len(changed)} pages changed", err=True)
        return
    wanted = (text or "").casefold()
    rows = [
        entry.as_row()
        for table in entries(settings)
        for entry in table.columns
        if wanted in f"{table.full_name}.{entry.column} {entry.label_sv} {entry.meaning}".casefold()
    ]
    if as_json:
        output.write_json(rows)
        return
    if not rows:
        typer.echo(f"No column has {text!r} in its name or meaning.")
        return
    output.write_table(
        ("column", "meaning", "unit", "denominator", "source"),
        [
            [
                f"{row['schema_name']}.{row['table_name']}.{row['column_name']}",
                *(row[name] for name in ("meaning", "unit", "denominator", "source")),
            ]
            for row in rows
        ],
    )
