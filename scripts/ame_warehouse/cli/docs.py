"""`ame docs`: the documentation of the dbt project as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def docs(
    out: Annotated[
        Path | None, typer.Option(help="Directory for index.html (default: AME_HOME/docs/dbt).")
    ] = None,
) -> None:
    """Build the documentation of the dbt project: models, columns, tests, SQL and lineage, in one page.

    Takes about half a minute; the page needs neither a server nor a network. Exit status 1 when dbt fails.
    """
    from ame_warehouse.builder.docs import build_docs
    from ame_warehouse.cli import waiting
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    with waiting.shown("dbt_docs"):
        page = build_docs(settings, out.resolve() if out else None)
    typer.echo(str(page))
