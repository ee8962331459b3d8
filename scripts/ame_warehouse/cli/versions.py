"""`ame versions` and `ame publish VERSION`: what is kept, and going back to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def versions(
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON on stdout.")] = False,
) -> None:
    """List the versions that are kept, newest first, and which of them is published."""
    from ame_warehouse.cli import output
    from ame_warehouse.publish import rollback
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    found = rollback.kept(settings)
    if as_json:
        output.write_json(found)
        return
    if not found:
        typer.echo("No version is kept: run `ame run` first.")
        return
    output.write_table(
        ("version", "", "built at", "as of", "rows", "MB"),
        [
            [
                one["version"],
                "published" if one["published"] else "" if one["is_complete"] else "damaged",
                one["built_at"],
                one["as_of"],
                one["rows"],
                f"{one['bytes'] / 1e6:.1f}",
            ]
            for one in found
        ],
    )
    typer.echo(
        f"kept: {settings.keep_versions} (AME_KEEP_VERSIONS), the newest and the published one in any case"
    )


def publish(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A kept version: see `ame versions`.")],
    reason: Annotated[str, typer.Option(help="Why: it stands in the manifest and in `ame status`.")],
    by: Annotated[str | None, typer.Option(help="Who (default: the user of this machine).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was done as JSON on stdout.")] = False,
) -> None:
    """Put a kept version in place of the published one (rollback), in one step for readers.

    It stays until there is new input; a run without any neither undoes nor repeats it. Publishing the newest
    version again takes the rollback back.
    """
    from ame_warehouse.atlas import step as atlas
    from ame_warehouse.cli import output, waiting
    from ame_warehouse.cli.options import user_name
    from ame_warehouse.pipeline import locks
    from ame_warehouse.publish import rollback
    from ame_warehouse.serve import step
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    with waiting.shown("put_back"), locks.writer(settings, "ame publish"):
        body = rollback.put_back(settings, version, by=by or user_name(), reason=reason)
        served = step.serve(settings, body).as_dict() if body else {"status": "unchanged", "error": None}
        shown = atlas.make(settings)
    report: dict[str, Any] = {
        "version": version,
        "changed": body is not None,
        "rollback": body.get("rollback") if body else None,
        "postgres": served,
        "atlas": {"status": shown["status"], "error": shown["error"]},
    }
    if as_json:
        output.write_json(report)
        return
    if body is None:
        typer.echo(f"Version {version} is the published one already; nothing was changed.")
        return
    typer.echo(f"Version {version} is published (built at {body['built_at']}, as of {body['as_of']})")
    if report["rollback"]:
        typer.echo(f"  instead of {report['rollback']['replaced']}, marked stale: {reason}")
        typer.echo("  it stays until a run finds new input; `ame run --full-refresh` builds in any case")
    if served["error"]:
        typer.echo(f"  PostgreSQL still shows another version: {served['error']}")
    if shown["error"]:
        typer.echo(f"  the atlas still shows another version: {shown['error']}")
