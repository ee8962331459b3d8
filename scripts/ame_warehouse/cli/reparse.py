"""`ame reparse`: make the observations again from the landing, without asking any source."""

from __future__ import annotations

from typing import Annotated

import typer


def reparse(
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Make the observations again from the landing (after a new version of the parser); then `ame run`."""
    from ame_warehouse.cli import waiting
    from ame_warehouse.cli.output import write_json
    from ame_warehouse.pipeline import steps

    with waiting.shown("reparse"):
        result = steps.reparse()
    if as_json:
        write_json(result)
    else:
        typer.echo(
            f"{result['fetches']} fetches read again: {result['observations']} values, "
            f"{result['unchanged']} unchanged, {result['findings']} findings. `ame run` builds from them."
        )
