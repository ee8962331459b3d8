"""What changed between two states of knowledge: kept versions, or days of the published history.

A state is a relation of cells (source, measure, place, period, gender) with a value or a reason. Of a version
it is the newest version of every cell, and the gaps for which there is no record; of a day it is what
`marts.observation_history` of the published file says was known at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.errors import AmeError
from ame_warehouse.history import definitions
from ame_warehouse.history.days import end_of, parse_day
from ame_warehouse.pipeline.published import RUN_FIRST, rows
from ame_warehouse.publish.manifest import read_json
from ame_warehouse.settings import Settings

KINDS = {
    "added": "values that were not there",
    "revised": "values that are others now",
    "finalised": "preliminary values that became final, unchanged",
    "withdrawn": "values that are gone",
    "gap_opened": "cells that are expected or listed, without a value",
    "gap_closed": "cells that have got a value",
    "gap_gone": "missing cells that are not expected any more",
    "reason_changed": "missing cells whose reason is another",
    "measure_new": "measures that the warehouse, or the source's catalogue, has now",
    "measure_gone": "measures that the warehouse, or the source's catalogue, lacks now",
    "definition": "titles, definitions, units, editions of groups that are others now",
    "member_added": "municipalities that are in a group now",
    "member_left": "municipalities that are in a group no longer",
}
COLUMNS = (
    "change",
    "source",
    "measure_id",
    "measure",
    "group_id",
    "municipality_id",
    "municipality",
    "period",
    "gender",
    "value_before",
    "value_after",
    "difference",
    "difference_pct",
    "field",
    "before",
    "after",
)
LISTED = ", ".join(f'"{column}"' for column in COLUMNS)
HISTORY_SQL = """
select source, measure_id, municipality_id, period, gender, value, missing_reason, is_preliminary
from {db}.marts.observation_history
where {known}
"""
# The gaps that have no record: expected, asked for (or not loaded), and nothing there.
GAPS_SQL = """
union all by name
select 'kolada' as source, measure_id, municipality_id, year::varchar as period, 'T' as gender, missing_reason
from {db}.quality.gaps as gaps
where not exists (
    from {db}.marts.observation_history as history
    where
        history.measure_id = gaps.measure_id
        and history.municipality_id = gaps.municipality_id
        and history.period = gaps.year::varchar
        and history.gender = 'T'
        and history.valid_to is null
)
"""
DIFF_SQL = """
create temp table changed as
with before as ({before}),
after as ({after}),
paired as (
    select
        coalesce(a.source, b.source) as source,
        coalesce(a.measure_id, b.measure_id) as measure_id,
        coalesce(a.municipality_id, b.municipality_id) as municipality_id,
        coalesce(a.period, b.period) as period,
        coalesce(a.gender, b.gender) as gender,
        a.value as value_before,
        b.value as value_after,
        a.missing_reason as reason_before,
        b.missing_reason as reason_after,
        case
            when a.value is not null and b.value is null then 'withdrawn'
            when a.measure_id is null and b.value is not null then 'added'
            when a.value is null and b.value is not null then 'gap_closed'
            when a.value <> b.value then 'revised'
            when a.value = b.value and a.is_preliminary and not b.is_preliminary then 'finalised'
            when a.value is not null then null
            when a.measure_id is null then 'gap_opened'
            when b.measure_id is null then 'gap_gone'
            when a.missing_reason <> b.missing_reason then 'reason_changed'
        end as change
    from before as a
    full outer join after as b
        on a.source = b.source and a.measure_id = b.measure_id and a.municipality_id = b.municipality_id
        and a.period = b.period and a.gender = b.gender
)
select
    paired.change,
    paired.source,
    paired.measure_id,
    measures.title as measure,
    null::varchar as group_id,
    paired.municipality_id,
    places.municipality,
    paired.period,
    paired.gender,
    paired.value_before,
    paired.value_after,
    case when measures.unit not in ('ordinal', 'boolean') then paired.value_after - paired.value_before end
        as difference,
    round(100 * difference / nullif(abs(paired.value_before), 0), 2) as difference_pct,
    'value' as field,
    paired.reason_before as "before",
    paired.reason_after as "after"
from paired
left join {names}.marts.dim_measure as measures on paired.measure_id = measures.measure_id
left join {names}.marts.dim_municipality as places on paired.municipality_id = places.municipality_id
where
    paired.change is not null
    and ($measures is null or list_contains($measures, paired.measure_id))
    and ($places is null or list_contains($places, paired.municipality_id))
"""
ORDER = "change, source, measure_id, group_id, municipality_id, period, gender, field"


class UnknownStateError(AmeError):
    """Neither a date nor a kept version (exit status 2)."""

    exit_code = 2


@dataclass(frozen=True)
class State:
    """One side of a comparison: a kept version (`moment` None) or the end of a day of the history."""

    name: str
    path: Path
    moment: str | None
    as_of: str | None

    def cells(self, db: str, *, with_gaps: bool) -> str:
        """Return the SQL of its cells."""
        history = HISTORY_SQL.format(db=db, known=self.known())
        return history + (GAPS_SQL.format(db=db) if with_gaps else "")

    def known(self) -> str:
        """Return the condition for a version of a cell or definition that is known in this state."""
        if self.moment is None:
            return "valid_to is null"
        moment = f"timestamp '{self.moment}'"
        return f"valid_from <= {moment} and (valid_to is null or valid_to > {moment})"

    def record(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        kind = "version" if self.moment is None else "day"
        return {"name": self.name, "kind": kind, "as_of": self.as_of, "file": str(self.path)}


def state(settings: Settings, text: str) -> State:
    """Return the state that a date, a kept version, or the word `published` names."""
    if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text):
        moment = end_of(parse_day(text))
        return State(text, _there(settings.published / "warehouse.duckdb"), moment, moment[:19] + "Z")
    if text == "published":
        manifest = read_json(settings.published / "manifest.json")
        return State(
            manifest.get("version", text),
            _there(settings.published / "warehouse.duckdb"),
            None,
            manifest.get("as_of"),
        )
    root = settings.published / "versions"
    kept = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    if text not in kept:
        raise UnknownStateError(
            "neither a date nor a version that is kept",
            expected="YYYY-MM-DD, `published`, or one of: " + (", ".join(kept) or "(no version is kept)"),
            found=repr(text),
            source=str(root),
            action="see `ame versions`",
        )
    as_of = read_json(root / text / "manifest.json").get("as_of")
    return State(text, _there(root / text / "warehouse.duckdb"), None, as_of)


def compare(
    settings: Settings,
    before: State,
    after: State,
    measures: Sequence[str] | None = None,
    municipalities: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return what changed from one state to the other.

    Measures and municipalities are ids or names; None = all. Returns {"a", "b", "summary": {kind: n},
    "revised": [one per measure, with its largest change], "changes": [rows with COLUMNS],
    "definitions_not_compared": why not, or None}. Raises `UnknownNameError` for a name that does not exist.
    """
    with changed(settings, before, after, measures, municipalities) as (con, why_not):
        changes = rows(con, f"select {LISTED} from changed order by {ORDER}")  # noqa: S608
    return {
        "a": before.record(),
        "b": after.record(),
        "summary": {kind: sum(1 for row in changes if row["change"] == kind) for kind in KINDS},
        "revised": _largest(changes),
        "definitions_not_compared": why_not,
        "changes": changes,
    }


@contextmanager
def changed(
    settings: Settings,
    before: State,
    after: State,
    measures: Sequence[str] | None = None,
    municipalities: Sequence[str] | None = None,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str | None]]:
    """Open both states and hold what changed in the temporary table `changed` (COLUMNS).

    Gives the connection, and why definitions could not be compared (else None).
    """
    from ame_warehouse.cli.names import measure_ids, municipality_ids

    both = before.moment is None and after.moment is None
    spill = str(settings.build / "spill")  # made only when it is needed
    with duckdb.connect(config={"memory_limit": settings.memory_limit, "temp_directory": spill}) as con:
        con.execute("set timezone = 'UTC'")
        try:
            con.execute(f"attach '{_quoted(after.path)}' as b (read_only)")
            first = "b"
            if before.path.resolve() != after.path.resolve():
                con.execute(f"attach '{_quoted(before.path)}' as a (read_only)")
                first = "a"
            con.execute("use b")
            chosen = {
                "measures": measure_ids(con, list(measures) if measures else None),
                "places": municipality_ids(con, list(municipalities) if municipalities else None),
            }
            sql = DIFF_SQL.format(
                before=before.cells(first, with_gaps=both), after=after.cells("b", with_gaps=both), names="b"
            )
            con.execute(sql, chosen)
            why_not = definitions.add(con, before, after, first, **chosen)
        except duckdb.Error as exc:
            raise AmeError(
                "the two states cannot be compared",
                expected="two published DuckDB files with marts.observation_history",
                found=str(exc).strip().splitlines()[0],
                source=f"{before.path}; {after.path}",
                action="`ame versions` lists the versions that can be read",
            ) from exc
        yield con, why_not


def _largest(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the number of revisions and the largest one of each measure, the largest in per cent first."""
    of_measure: dict[str, list[dict[str, Any]]] = {}
    for row in changes:
        if row["change"] == "revised":
            of_measure.setdefault(row["measure_id"], []).append(row)
    found = []
    for measure_id, revised in of_measure.items():
        largest = max(revised, key=lambda row: abs(row["difference"] or 0.0))
        picked = ("municipality_id", "municipality", "period", "gender", "value_before", "value_after")
        found.append(
            {
                "measure_id": measure_id,
                "measure": largest["measure"],
                "n": len(revised),
                "largest_difference": largest["difference"],
                "largest_difference_pct": largest["difference_pct"],
                **{name: largest[name] for name in picked},
            }
        )
    return sorted(found, key=lambda one: -abs(one["largest_difference_pct"] or 0.0))


def _there(path: Path) -> Path:
    if not path.is_file():
        raise AmeError("nothing is published yet", expected=str(path), action=RUN_FIRST)
    return path


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
