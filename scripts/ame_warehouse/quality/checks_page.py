"""docs/checks.md: the register of checks as a page, made from the register and from what is declared."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ame_warehouse.quality import dbt_tests, register
from ame_warehouse.quality.dbt_tests import DbtTest
from ame_warehouse.quality.register import FAMILY, Entry

if TYPE_CHECKING:
    from ame_warehouse.settings import Settings

STAGES = {
    "landing": "Before dbt: what has landed",
    "dbt": "While building: dbt",
    "marts": "Before publication: the candidate",
    "publication": "The run and the publication",
    "alerts": "Alerts",
    "watch": "The watch",
}
HEAD = """# Checks

Made by `ame checks --markdown` from `expectations/register/` and the tests that the dbt project
declares; not written by hand. What happens with a result stands in [operations.md](operations.md); how
to add a check in [expectations/README.md](../expectations/README.md).

- **error** stops the publication: readers keep the version they have. **warning** publishes, opens an
  incident and alerts. **info** is listed in `quality.check_results`.
- R-numbers are rows of [requirements.md](requirements.md).
- Every check has data that make it fail, in the file named under its heading; `tests/mutation` removes
  and inverts each check and shows that a test notices.
"""


def rows(settings: Settings) -> list[dict[str, Any]]:
    """Return the register as plain rows, by stage; `applied_to` lists where the tests of a family stand."""
    places = applied(settings)
    found = []
    for stage in STAGES:
        for entry in register.load(settings).entries.values():
            if entry.stage == stage:
                found.append(
                    {
                        **asdict(entry),
                        "requirements": list(entry.requirements),
                        "applied_to": places.get(entry.check_id, []),
                    }
                )
    return found


def applied(settings: Settings) -> dict[str, list[str]]:
    """Return where the dbt tests behind each row of the register are put: `participants.year`.

    Raises `BuildError` for a test that is not in the register, or of another severity there.
    """
    entries = register.load(settings)
    places: defaultdict[str, list[str]] = defaultdict(list)
    for test in dbt_tests.declared(settings):
        entry = entries.entry(test.name or test.subject, kind=test.kind, it=test.subject)
        entry.agrees(test.severity, test.subject, entries.source)
        own = test.name in entries.entries
        places[str(test.name) if own else f"{FAMILY}{test.kind}"].append(test.subject)
    return dict(places)


def markdown(settings: Settings) -> str:
    """Return the page."""
    applied(settings)
    entries = register.load(settings).entries.values()
    parts = [HEAD.rstrip()]
    for stage, title in STAGES.items():
        own = [entry for entry in entries if entry.stage == stage]
        files = ", ".join(f"`{name}`" for name in sorted({entry.bad_data for entry in own}))
        parts += ["", f"## {title}", "", f"Data that make them fail: {files}.", ""]
        parts += [
            "| check | what must hold | severity | who | what to do | requirement |",
            "|---|---|---|---|---|---|",
        ]
        parts += [_row(entry) for entry in own]
    parts += ["", "## Which dbt tests stand on which table", "", "| table | tests |", "|---|---|"]
    return "\n".join([*parts, *by_table(dbt_tests.declared(settings))]) + "\n"


def by_table(tests: list[DbtTest]) -> list[str]:
    """Return a line for each table: its tests, with the columns that they are on."""
    tables: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for test in tests:
        table, _, column = test.subject.partition(".")
        tables[table][test.name or test.kind].append(column)
    return [
        f"| {table} | {'; '.join(_columns(kind, found) for kind, found in sorted(own.items()))} |"
        for table, own in sorted(tables.items())
    ]


def _columns(kind: str, columns: list[str]) -> str:
    named = ", ".join(column for column in columns if column)
    times = f" ×{len(columns)}" if len(columns) > 1 and not named else ""
    return f"{kind}: {named}" if named else f"{kind}{times}"


def _row(entry: Entry) -> str:
    says = entry.says.replace("{it}", "…")
    cells = (
        f"`{entry.check_id}`",
        f"{says} Expected: {entry.expected.replace('{it}', '…')}.",
        entry.severity,
        entry.owner,
        entry.action.replace("{it}", "…"),
        ", ".join(entry.requirements),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
