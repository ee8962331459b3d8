"""`ame gaps ack`, `acks`, `unack`: explain gaps, until a day."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ame_warehouse.cli.gaps import app
from ame_warehouse.cli.names import measure_ids, municipality_ids
from ame_warehouse.cli.options import id_list, year_list
from ame_warehouse.errors import SettingsError

if TYPE_CHECKING:
    import duckdb

NEXT_RUN = "The next `ame run` shows it beside the gap."


@app.command("ack")
def ack(  # noqa: PLR0917 (the options of the command)
    measure: Annotated[str, typer.Option(help="Measure or Kolada ids, comma-separated.")],
    municipality: Annotated[str, typer.Option(help="Municipality ids or names, comma-separated.")],
    years: Annotated[str, typer.Option(help="Years: 2022 or 2020-2022.")],
    note: Annotated[str, typer.Option(help="Why the value is missing.")],
    by: Annotated[str, typer.Option(help="The role that explains it: data_steward.")],
    until: Annotated[str, typer.Option(help="Last day on which this holds: YYYY-MM-DD.")],
    ahead: Annotated[
        bool, typer.Option("--ahead", help="Also when there is no such gap (yet): a late answer foretold.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The explanations as JSON on stdout.")] = False,
) -> None:
    """Explain gaps: their kind is `acknowledged`, and they raise no alert, until the day after the last."""
    from ame_warehouse.cli import output
    from ame_warehouse.pipeline.published import open_published
    from ame_warehouse.quality import explained_gaps
    from ame_warehouse.settings import load_settings

    settings, wanted = load_settings(), year_list(years) or []
    last = explained_gaps.last_day(until)
    with open_published(settings) as con:
        measures = measure_ids(con, id_list(measure)) or []
        places = municipality_ids(con, id_list(municipality)) or []
        matching = _matching(con, measures, places, wanted)
    if not matching and not ahead:
        raise SettingsError(
            "the published version has no such gap",
            expected="at least one missing cell of these measures, municipalities and years",
            found="none",
            source="--measure, --municipality, --years",
            action="look at `ame gaps`; --ahead explains a gap that is still to come",
        )
    rows = [
        explained_gaps.Explanation(
            one, place, first, end, by.strip(), explained_gaps.today(), last, note.strip()
        )
        for one, place in product(measures, places)
        for first, end in _spans(wanted)
    ]
    added = explained_gaps.add(settings, rows)
    if as_json:
        output.write_json({"added": added, "gaps": matching, "explanations": [_record(row) for row in rows]})
    else:
        what = f"{output.counted(added, 'explanation')} for {output.counted(matching, 'missing cell')}"
        typer.echo(f"{what}, until {last}. {NEXT_RUN}")


@app.command("acks")
def acks(
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON on stdout.")] = False,
) -> None:
    """List the explanations given with `ack`, expired ones too; those of the seed stand in the project."""
    from ame_warehouse.cli import output
    from ame_warehouse.quality import explained_gaps
    from ame_warehouse.settings import load_settings

    day = explained_gaps.today()
    records = [
        {"number": number, "state": "in force" if row.holds_on(day) else "expired", **_record(row)}
        for number, row in enumerate(explained_gaps.own(load_settings()), start=1)
    ]
    if as_json:
        output.write_json(records)
    elif not records:
        typer.echo("No gap has been explained with `ame gaps ack`.")
    else:
        output.write_table(tuple(records[0]), [list(record.values()) for record in records])


@app.command("unack")
def unack(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Its number in `ame gaps acks`.")],
    by: Annotated[str, typer.Option(help="The role that ends it.")],
    note: Annotated[str, typer.Option(help="Why it holds no longer.")],
    as_json: Annotated[bool, typer.Option("--json", help="The explanation as JSON on stdout.")] = False,
) -> None:
    """End an explanation before its last day: the gap is new or chronic again. The row stays."""
    from ame_warehouse.cli import output
    from ame_warehouse.quality import explained_gaps
    from ame_warehouse.settings import load_settings

    ended = explained_gaps.end(load_settings(), number, by=by, note=note)
    if as_json:
        output.write_json(_record(ended))
    else:
        typer.echo(f"{number} is ended. The next `ame run` counts its gaps again.")


def _matching(
    con: duckdb.DuckDBPyConnection, measures: list[str], places: list[str], years: list[int]
) -> int:
    """Return the number of missing cells, yearly and monthly, that the explanation is about."""
    row = con.execute(
        "select count(*) from ("
        "select measure_id, municipality_id, year from quality.gaps union all "
        "select measure_id, municipality_id, year(month) from quality.gaps_monthly) "
        "where list_contains($measures, measure_id) and list_contains($places, municipality_id) "
        "and list_contains($years, year::integer)",
        {"measures": measures, "places": places, "years": years},
    ).fetchone()
    return int(row[0]) if row else 0


def _spans(years: list[int]) -> list[tuple[int, int]]:
    """Return the years as spans without holes: [2020, 2021, 2023] gives (2020, 2021) and (2023, 2023)."""
    spans: list[tuple[int, int]] = []
    for year in years:
        if spans and spans[-1][1] == year - 1:
            spans[-1] = (spans[-1][0], year)
        else:
            spans.append((year, year))
    return spans


def _record(row: Any) -> dict[str, Any]:
    import dataclasses

    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in dataclasses.asdict(row).items()
    }
