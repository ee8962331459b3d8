"""`ame changes`: what the publications changed."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def changes(
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="A version; the published one when left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The rows as JSON on stdout.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every publication, one line each.")] = False,
) -> None:
    """Say what a publication changed against the version before: counts, largest revision, definitions.

    The rows are those of quality.changes. The single values: `ame diff`.
    """
    from ame_warehouse.cli import output
    from ame_warehouse.history import changes_page
    from ame_warehouse.pipeline.published import open_published, read_manifest, rows
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    current = str(read_manifest(settings).get("version"))
    with open_published(settings) as con:
        found = rows(con, "select * from quality.changes order by version desc, change, subject_id, field")
    if everything:
        _list(found, as_json=as_json)
        return
    chosen = version or current
    wanted = [row for row in found if row["version"] == chosen]
    if not wanted and chosen != current:
        _unknown(chosen, sorted({row["version"] for row in found} | {current}))
    page = changes_page.folder(settings) / f"{chosen}.html"
    if as_json:
        output.write_json(
            {"version": chosen, "page": str(page) if page.is_file() else None, "changes": wanted}
        )
    elif not wanted:
        typer.echo(f"Version {chosen} changed nothing, or was the first.")
    else:
        typer.echo(changes_page.as_text({**wanted[0], "rows": wanted}))
        typer.echo(f"Page: {page}" if page.is_file() else "")


def _list(found: list[dict[str, Any]], *, as_json: bool) -> None:
    from ame_warehouse.cli import output
    from ame_warehouse.history import changes_page

    versions = {
        row["version"]: {"version": row["version"], "version_before": row["version_before"]} for row in found
    }
    records = [
        {**record, **changes_page.counts([row for row in found if row["version"] == name])}
        for name, record in versions.items()
    ]
    if as_json:
        output.write_json(records)
    elif not records:
        typer.echo("No publication has changed anything yet.")
    else:
        names = ["version", *(kind for kind in changes_page.TITLES if any(kind in r for r in records))]
        output.write_table(names, [[record.get(name) for name in names] for record in records])


def _unknown(version: str, known: list[str]) -> None:
    from ame_warehouse.history.diff import UnknownStateError

    raise UnknownStateError(
        "quality.changes has no rows of this version",
        expected="one of: " + ", ".join(known),
        found=repr(version),
        action="see `ame changes --all`",
    )
