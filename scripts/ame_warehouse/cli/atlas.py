"""`ame atlas`: make the site for people who look, and show it on this machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def atlas(
    out: Annotated[
        Path | None, typer.Option(help="Where to make it; default AME_HOME/atlas. New, empty, or an atlas.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make it even when it is there already.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Show it on this machine until Ctrl-C.")] = False,
    port: Annotated[
        int, typer.Option(min=1024, max=65535, help="Port of --serve, on 127.0.0.1 only.")
    ] = 8081,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Make the atlas, a static site, from the published version.

    `ame run` does it after each publication. The directory can be copied to any web server as it is.
    """
    from ame_warehouse.atlas import build, server
    from ame_warehouse.cli import waiting
    from ame_warehouse.cli.output import write_json
    from ame_warehouse.pipeline import locks
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    with waiting.shown("make_atlas"), locks.writer(settings, "ame atlas"):
        made = build.make(settings, out, is_forced=force)
    if as_json:
        write_json(asdict(made))
    else:
        how = f"made in {made.seconds} s" if made.is_made else "was there already"
        typer.echo(f"The atlas shows {made.version} ({how})")
        typer.echo(f"  {made.pages} pages, {made.files} files, {made.bytes / 1e6:.1f} MB in {made.folder}")
    if not serve:
        if not as_json:
            typer.echo("  to look at it: ame atlas --serve")
        return
    with server.serve(Path(made.folder), port) as running:
        typer.echo(f"  {server.address(running.server_port)} (Ctrl-C ends it)")
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            typer.echo("")
