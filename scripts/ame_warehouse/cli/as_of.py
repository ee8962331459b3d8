"""`ame as-of DATE`: the marts as they were known on a day, in a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def as_of(
    day: Annotated[
        str, typer.Argument(metavar="DATE", help="The day, YYYY-MM-DD; its end in UTC is what counts.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The DuckDB file to write (default: AME_HOME/as_of/DATE.duckdb).")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Run dbt's data tests on that state too (slower).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was written as JSON on stdout.")] = False,
) -> None:
    """Build all marts as they were known at the end of a day into a DuckDB file of their own.

    What is published, and the incidents, are not touched; a file of that name is replaced.
    """
    import sys

    from ame_warehouse.cli.output import write_json
    from ame_warehouse.history import as_of as history
    from ame_warehouse.history import days
    from ame_warehouse.pipeline import progress
    from ame_warehouse.pipeline.display import Display
    from ame_warehouse.settings import load_settings

    wanted = days.parse_day(day)
    settings = load_settings()
    with Display(sys.stderr) as display, progress.watched_by(display):
        report = history.build(settings, wanted, out, is_tested=check)
    if as_json:
        write_json(report)
        return
    typer.echo(f"The marts as they were known on {wanted.isoformat()}: {report['file']}")
    for name, source in report["sources"].items():
        typer.echo(f"  {name:<19} newest fetch {source['newest_fetch']}, figures of {source['fetched_at']}")
    typer.echo(f"  {len(report['tables'])} tables, {report['rows']} rows, {report['bytes'] / 1e6:.1f} MB")
    if check:
        typer.echo("  checks " + ", ".join(f"{n} {status}" for status, n in report["checks"].items()))
    for check_id in report["failed_checks"]:
        typer.echo(f"    did not hold: {check_id}")
