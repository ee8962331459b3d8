"""The `ame` command: one module per command, loaded only when the command is used."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ame_warehouse import __version__
from ame_warehouse.cli import (
    alerts,
    as_of,
    atlas,
    backfill,
    changes,
    checks,
    clean,
    dictionary,
    diff,
    docs,
    gap_acks,  # noqa: F401 (its commands belong to `ame gaps`)
    gaps,
    incidents,
    quarantine,
    reparse,
    run,
    serve,
    status,
    up,
    versions,
    watch,
)
from ame_warehouse.errors import AmeError

app = typer.Typer(
    name="ame",
    help="Swedish municipal labour-market statistics: from the sources to published marts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ame-warehouse {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Settings come from the environment or `.env`; `.env.example` lists them.

    Exit status: 0 done, 1 failed, 2 wrong usage or wrong setting.
    """


app.command("run")(run.run)
app.command("status")(status.status)
app.add_typer(gaps.app, name="gaps")
app.add_typer(incidents.app, name="incidents")
app.add_typer(quarantine.app, name="quarantine")
app.command("checks")(checks.checks)
app.add_typer(alerts.app, name="alerts")
app.command("watch")(watch.watch)
app.command("up")(up.up)
app.command("reparse")(reparse.reparse)
app.command("serve")(serve.serve)
app.command("atlas")(atlas.atlas)
app.command("as-of")(as_of.as_of)
app.command("dictionary")(dictionary.dictionary)
app.command("diff")(diff.diff)
app.command("docs")(docs.docs)
app.command("changes")(changes.changes)
app.command("versions")(versions.versions)
app.command("publish")(versions.publish)
app.command("backfill")(backfill.backfill)
app.command("clean")(clean.clean)


def main() -> None:
    """Run the command line; errors are one readable message on stderr."""
    try:
        app()
    except AmeError as error:
        fail(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        from ame_warehouse.pipeline.runner import INTERRUPTED

        sys.stderr.write(f"{INTERRUPTED}\n")
        sys.exit(1)
    except OSError as exc:
        from ame_warehouse.pipeline.faults import readable

        known = readable(exc)
        if known is None:
            raise
        fail(known)
        sys.exit(known.exit_code)


def fail(error: AmeError) -> None:
    """Write an error to stderr: what went wrong on the first line, the particulars below it."""
    lines = [f"ame: {error.message}"]
    for name, text in (
        ("expected", error.expected),
        ("found", error.found),
        ("where", error.source),
        ("do", error.action),
    ):
        if text:
            lines.append(f"  {name + ':':<10}{text}")
    for note in getattr(error, "__notes__", []):
        name, _, text = note.partition(": ")
        lines.append(f"  {name + ':':<10}{text}")
    sys.stderr.write("\n".join(lines) + "\n")
