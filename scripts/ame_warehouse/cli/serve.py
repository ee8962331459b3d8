"""`ame serve`: publish the published version to PostgreSQL (again)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer


def serve(
    setup_sql: Annotated[
        bool,
        typer.Option("--setup-sql", help="Only show the SQL that an administrator runs once for the roles."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Bring PostgreSQL (AME_SERVE_DSN) to the version that is published.

    `ame run` does it after each publication; this is for the first time, after a change of the address, or
    when the server was away. What is there already is verified, not copied again.
    """
    from ame_warehouse.cli import waiting
    from ame_warehouse.cli.output import write_json
    from ame_warehouse.errors import PublishError, SettingsError
    from ame_warehouse.pipeline import locks
    from ame_warehouse.publish.manifest import read_manifest
    from ame_warehouse.serve import dsn, roles, step
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    if not settings.serve_dsn:
        raise SettingsError(
            "there is no PostgreSQL to publish to",
            expected="the address in AME_SERVE_DSN, for example postgresql://ame@db.example/ame",
            source="environment or .env",
            action="set AME_SERVE_DSN; docs/bi.md says what the server needs",
        )
    if setup_sql:
        found = dsn.parameters(settings.serve_dsn)
        login = str(found.get("user") or "ame")
        statements = roles.setup_sql(login, str(found.get("dbname") or login))
        typer.echo(";\n".join(statements) + ";")
        return
    manifest = read_manifest(settings)
    if manifest is None:
        raise PublishError("nothing is published yet", action="run `ame run`, then `ame serve`")
    with waiting.shown("serve"), locks.writer(settings, "ame serve"):
        outcome = step.serve(settings, manifest)
        if outcome.error:
            raise outcome.error
    if as_json:
        write_json(asdict(outcome) | {"error": None})
        return
    detail = outcome.detail
    how = "copied and reconciled" if detail["is_copied"] else "was there already; reconciled"
    typer.echo(f"{detail['where']} shows {detail['version']}")
    typer.echo(f"  {detail['tables']} tables, {detail['rows']} rows, {how}, {detail['seconds']} s")
    if detail["dropped"]:
        typer.echo("  old versions dropped: " + ", ".join(detail["dropped"]))
    if detail["in_use"]:
        typer.echo("  kept until the next time, somebody reads them: " + ", ".join(detail["in_use"]))
