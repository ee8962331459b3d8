"""`ame clean`: housekeeping, by the rules that it prints; `--dry-run` only says what would go."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer


def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What goes, or what was done, as JSON.")] = False,
) -> None:
    """Remove what no rule keeps, and pack what is old: nothing that a version or a record needs is touched.

    Every distinct answer of the sources stays, and the marts can be made again from what is packed. The DAG
    watch_warehouse does the same every day.
    """
    from ame_warehouse.cli import waiting
    from ame_warehouse.cli.output import write_json
    from ame_warehouse.landing import compact
    from ame_warehouse.pipeline import housekeeping, locks
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    if dry_run:
        found = housekeeping.plan(settings)
        packable = {name: len(housekeeping.packable(settings, name)) for name in housekeeping.SOURCES}
        if as_json:
            goes = [{"rule": one.rule, "path": str(one.path), "bytes": one.bytes} for one in found]
            write_json({"dry_run": True, "would_remove": goes, "would_pack": packable})
            return
        numbers = Counter(one.rule for one in found)
        for rule, text in housekeeping.RULES.items():
            size = sum(one.bytes for one in found if one.rule == rule)
            typer.echo(f"{numbers[rule]:>6}  {size / 1e6:>8.1f} MB  {text}")
        for source, number in packable.items():
            typer.echo(f"{number:>6}  records of fetches of {source} that would be packed")
        return
    with waiting.shown("clean"), locks.writer(settings, "ame clean"):
        compact.finish(settings)
        done = housekeeping.clean(settings)
    if as_json:
        write_json(done)
        return
    for rule, sums in done["removed"].items():
        typer.echo(f"removed {sums['n']} ({sums['bytes'] / 1e6:.1f} MB): {housekeeping.RULES[rule]}")
    for source, sums in done["packed"].items():
        if sums["fetches"]:
            typer.echo(f"packed the records of {sums['fetches']} fetches of {source}")
    if done["compacted"]["fetches"]:
        typer.echo(f"compacted the observations of {done['compacted']['fetches']} fetches")
    merged = (*done["packed"].values(), done["compacted"])
    if not done["removed"] and not any(one["fetches"] for one in merged):
        typer.echo("Nothing to do.")
