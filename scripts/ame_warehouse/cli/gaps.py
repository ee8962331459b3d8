"""`ame gaps`: the missing cells of the published version, why they are missing, and who knows why."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from ame_warehouse.cli.names import measure_ids, municipality_ids
from ame_warehouse.cli.options import id_list, year_list

COLUMNS = (
    "measure_id",
    "measure",
    "municipality_id",
    "municipality",
    "year",
    "shown_as",
    "missing_reason",
    "kind",
    "last_reported_year",
    "first_seen_at",
    "note",
    "acknowledged_by",
    "acknowledged_until",
)
TABLE_COLUMNS = (
    "municipality",
    "measure",
    "year",
    "shown_as",
    "missing_reason",
    "kind",
    "last_reported_year",
)


app = typer.Typer(
    help='List the missing ("i.u.") cells; `ack` explains some of them, `acks` lists the explanations.',
    invoke_without_command=True,
    rich_markup_mode=None,
)


class Reason(StrEnum):
    """Why a value is missing."""

    not_reported = "not_reported"
    suppressed = "suppressed"
    not_applicable = "not_applicable"
    not_yet_published = "not_yet_published"
    discontinued = "discontinued"
    withdrawn = "withdrawn"
    not_loaded = "not_loaded"


class Kind(StrEnum):
    """new: reported the year before; chronic: not; acknowledged: explained by somebody."""

    new = "new"
    chronic = "chronic"
    acknowledged = "acknowledged"


class Format(StrEnum):
    """How the list is written."""

    table = "table"
    csv = "csv"
    json = "json"


@app.callback()
def gaps(  # noqa: PLR0917 (the options of the command)
    context: typer.Context,
    measure: Annotated[
        str | None,
        typer.Option(help="Measure or Kolada ids, comma-separated: U40455,N40011."),
    ] = None,
    municipality: Annotated[
        str | None, typer.Option(help="Municipality ids or names, comma-separated: 1480,Tjörn.")
    ] = None,
    year: Annotated[str | None, typer.Option(help="Years: 2017 or 2020-2023,2025.")] = None,
    reason: Annotated[Reason | None, typer.Option(help="Only this reason.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only this kind.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write the list.")] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """List the missing ("i.u.") cells of the published version: expected, and without a value."""
    if context.invoked_subcommand is not None:
        return
    from ame_warehouse.cli import output
    from ame_warehouse.pipeline.published import open_published
    from ame_warehouse.settings import load_settings

    wanted_years = year_list(year)
    with open_published(load_settings()) as con:
        conditions: list[str] = []
        values: list[Any] = []
        for column, chosen in (
            ("measure_id", measure_ids(con, id_list(measure))),
            ("municipality_id", municipality_ids(con, id_list(municipality))),
            ("year", wanted_years),
            ("missing_reason", [reason.value] if reason else None),
            ("kind", [kind.value] if kind else None),
        ):
            if chosen is not None:
                conditions.append(f"list_contains(?, {column})")
                values.append(chosen)
        where = "where " + " and ".join(conditions) if conditions else ""
        found = con.execute(
            f"select {', '.join(COLUMNS)} from quality.gaps {where} "  # noqa: S608
            "order by measure_id, municipality_id, year",
            values,
        ).fetchall()
    records = [dict(zip(COLUMNS, row, strict=True)) for row in found]
    if as_json or form is Format.json:
        output.write_json(records)
    elif form is Format.csv:
        output.write_csv(COLUMNS, found)
    else:
        _write_table(records)


def _write_table(records: list[dict[str, Any]]) -> None:
    from ame_warehouse.cli import output

    if not records:
        typer.echo("No missing cells match.")
        return
    named = [{**r, "municipality": f"{r['municipality']} ({r['municipality_id']})"} for r in records]
    output.write_table(TABLE_COLUMNS, [[r[column] for column in TABLE_COLUMNS] for r in named])
    cells = output.counted(len(records), "missing cell")
    typer.echo(f"{cells}. i.u. = ingen uppgift: asked for, and nothing reported.")
