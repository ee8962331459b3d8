"""The `ame` command: one module per command, loaded only when the command is used."""

from __future__ import annotations

import io
import os
import sys
import traceback
from pathlib import Path
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
from ame_warehouse.errors import LONGEST_BRIEF, AmeError, SettingsError

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
    _prepare_output()
    try:
        _require_text(sys.argv[1:])
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

        known = readable(exc) or _unforeseen(exc)
        fail(known)
        sys.exit(known.exit_code)
    except Exception as exc:  # the last resort: a person reads a message, not a traceback
        known = _unforeseen(exc)
        fail(known)
        sys.exit(known.exit_code)


def _prepare_output() -> None:
    """Let every character be written: to a program as UTF-8, to a terminal as far as it can show it.

    A stream that was closed by whoever started the command leads nowhere.
    """
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower().replace("-", "") != "utf8":
        if sys.stdout.isatty():
            sys.stdout.reconfigure(errors="replace")
        else:
            sys.stdout.reconfigure(encoding="utf-8")


def _require_text(arguments: list[str]) -> None:
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as exc:
            raise SettingsError(
                "an argument is no text",
                expected="text in the encoding of this terminal (UTF-8)",
                found=ascii(argument),
                action="type it anew, or correct LANG / LC_ALL",
            ) from exc


def _unforeseen(exc: Exception) -> AmeError:
    """Return the readable form of an error that nobody foresaw, with the place in the code."""
    own = str(Path(__file__).parents[1])
    places = [frame for frame in traceback.extract_tb(exc.__traceback__) if frame.filename.startswith(own)]
    where = places[-1] if places else None
    return AmeError(
        "an error that nobody foresaw ended this command",
        found=f"{type(exc).__name__}: {exc}".strip().splitlines()[0][:LONGEST_BRIEF],
        source=f"{where.filename}, line {where.lineno}, {where.name}" if where else None,
        action="`ame watch` says whether what is published is intact; report this message",
    )


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
