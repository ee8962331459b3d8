"""`ame run`: one run of the DAG chain, with a summary at the end."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from ame_warehouse.cli.options import id_list, year_list


class Sources(StrEnum):
    """Where the figures come from."""

    sample = "sample"
    live = "live"


def run(  # noqa: PLR0917 (the options of the command)
    sources: Annotated[
        Sources | None,
        typer.Option(help="The bundled sample, or the live addresses (default: AME_SOURCES)."),
    ] = None,
    measures: Annotated[
        str | None, typer.Option(help="Only these Kolada measures, comma-separated: U40455,N40011.")
    ] = None,
    municipalities: Annotated[
        str | None, typer.Option(help="Only these municipalities or groups, comma-separated: 1480,G96190.")
    ] = None,
    years: Annotated[str | None, typer.Option(help="Only these years: 2020-2023,2025.")] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Build and publish even when nothing has changed.")
    ] = False,
    switch_sources: Annotated[
        bool,
        typer.Option(
            "--switch-sources",
            help="Let the sample replace published live figures, or the other way round (refused otherwise).",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON on stdout.")] = False,
) -> None:
    """Fetch, build, check and publish, through the Airflow DAGs, and say what came of it.

    What is asked for can be narrowed; what has been loaded before stays loaded. AME_MUNICIPALITIES decides
    which municipalities are expected at all.
    """
    from ame_warehouse.cli.output import write_json
    from ame_warehouse.pipeline import runner, summary
    from ame_warehouse.pipeline.display import Display
    from ame_warehouse.settings import load_settings

    options = runner.RunOptions(
        measures=id_list(measures),
        municipalities=id_list(municipalities),
        years=year_list(years),
        full_refresh=full_refresh,
        switch_sources=switch_sources,
    )
    if sources is not None:
        os.environ["AME_SOURCES"] = sources.value
    settings = load_settings()
    outcome = runner.run(settings, options, Display)
    report = summary.summarise(settings, outcome)
    if as_json:
        write_json(report)
    else:
        summary.write(report)
