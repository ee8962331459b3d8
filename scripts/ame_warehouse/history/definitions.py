"""What measures and groups are: which of their texts, and whose members, changed between two states.

Between versions the published columns are compared; as soon as a day takes part, what the source's catalogue
had said by then (`marts.measure_history`), and the dates of the memberships.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from ame_warehouse.history.diff import State

FIELDS = (
    "title",
    "source_title",
    "definition",
    "topic",
    "unit",
    "denominator",
    "period_type",
    "is_divided_by_gender",
    "publisher",
    "original_source",
    "compositions",
    "break_note",
    "note",
)
SAID_FIELDS = {
    "source_title": "title",
    "definition": "definition",
    "is_divided_by_gender": "is_divided_by_gender",
    "operating_area": "operating_area",
    "perspective": "perspective",
}
GROUP_FIELDS = ("group_name", "kind", "edition", "source", "note")
DEFINITIONS_SQL = """
insert into changed by name
select
    'definition' as change, a.measure_id, names.title as measure, '{field}' as field,
    a."{column}"::varchar as "before", c."{column}"::varchar as "after"
from ({before}) as a
inner join ({after}) as c on a.measure_id = c.measure_id
inner join b.marts.dim_measure as names on a.measure_id = names.measure_id
where
    a."{column}"::varchar is distinct from c."{column}"::varchar
    and ($measures is null or list_contains($measures, a.measure_id))
"""
MEASURES_SQL = """
insert into changed by name
select
    case when c.measure_id is null then 'measure_gone' else 'measure_new' end as change,
    coalesce(a.measure_id, c.measure_id) as measure_id, coalesce(c.title, a.title) as measure,
    'measure' as field, a.title as "before", c.title as "after"
from {first}.marts.dim_measure as a
full outer join b.marts.dim_measure as c on a.measure_id = c.measure_id
where
    (a.measure_id is null or c.measure_id is null)
    and ($measures is null or list_contains($measures, coalesce(a.measure_id, c.measure_id)))
"""
CATALOGUE_SQL = """
insert into changed by name
select
    case when c.is_in_catalogue then 'measure_new' else 'measure_gone' end as change,
    a.measure_id, names.title as measure, 'catalogue' as field,
    case when not a.is_in_catalogue then 'not ' else '' end || 'in the source''s catalogue' as "before",
    case when not c.is_in_catalogue then 'not ' else '' end || 'in the source''s catalogue' as "after"
from ({before}) as a
inner join ({after}) as c on a.measure_id = c.measure_id and a.is_in_catalogue <> c.is_in_catalogue
inner join b.marts.dim_measure as names on a.measure_id = names.measure_id
where $measures is null or list_contains($measures, a.measure_id)
"""
GROUPS_SQL = """
insert into changed by name
select
    'definition' as change, a.group_id, c.group_name as measure, '{field}' as field,
    a."{field}"::varchar as "before", c."{field}"::varchar as "after"
from {first}.marts.dim_group as a
inner join b.marts.dim_group as c on a.group_id = c.group_id
where a."{field}"::varchar is distinct from c."{field}"::varchar
"""
MEMBERS_SQL = """
insert into changed by name
select
    case when a.group_id is null then 'member_added' else 'member_left' end as change,
    coalesce(a.group_id, c.group_id) as group_id, coalesce(c.group_name, a.group_name) as measure,
    coalesce(a.municipality_id, c.municipality_id) as municipality_id,
    coalesce(c.municipality, a.municipality) as municipality, 'member' as field,
    a.edition as "before", c.edition as "after"
from ({before}) as a
full outer join ({after}) as c on a.group_id = c.group_id and a.municipality_id = c.municipality_id
where
    (a.group_id is null or c.group_id is null)
    and ($places is null or list_contains($places, coalesce(a.municipality_id, c.municipality_id)))
"""


def add(
    con: duckdb.DuckDBPyConnection,
    before: State,
    after: State,
    first: str,
    *,
    measures: list[str] | None,
    places: list[str] | None,
) -> str | None:
    """Add the changed definitions and memberships to the table `changed`; say why not (else None).

    `con` has the file of `before` attached as `first` and that of `after` as `b`. Memberships belong to no
    measure: they are left out where measures are chosen.
    """
    why_not = None
    wanted = {"measures": measures}
    both = before.moment is None and after.moment is None
    texts = "select * from {db}.marts.dim_measure"
    if both:
        for field in _common(con, first, "dim_measure", FIELDS):
            pair = {"before": texts.format(db=first), "after": texts.format(db="b")}
            con.execute(DEFINITIONS_SQL.format(field=field, column=field, **pair), wanted)
        con.execute(MEASURES_SQL.format(first=first), wanted)
    if _has(con, first, "measure_history") and _has(con, "b", "measure_history"):
        said = {
            name: f"select * from {db}.marts.measure_history where {side.known()}"  # noqa: S608
            for name, db, side in (("before", first, before), ("after", "b", after))
        }
        con.execute(CATALOGUE_SQL.format(**said), wanted)
        if not both:
            told = {name: f"{sql} and is_in_catalogue" for name, sql in said.items()}
            for field, column in SAID_FIELDS.items():
                con.execute(DEFINITIONS_SQL.format(field=field, column=column, **told), wanted)
    elif not both:
        why_not = "an older version has no marts.measure_history"
    if measures is None:
        _add_groups(con, before, after, first, places)
    return why_not


def _add_groups(
    con: duckdb.DuckDBPyConnection, before: State, after: State, first: str, places: list[str] | None
) -> None:
    for field in _common(con, first, "dim_group", GROUP_FIELDS):
        if places is None:
            con.execute(GROUPS_SQL.format(field=field, first=first))
    members = {
        name: f"select * from {db}.marts.group_members where {_member(side)}"  # noqa: S608
        for name, db, side in (("before", first, before), ("after", "b", after))
    }
    con.execute(MEMBERS_SQL.format(**members), {"places": places})


def _member(side: State) -> str:
    """Return the condition for a membership in a state: all of a version, those that hold on a day."""
    if side.moment is None:
        return "true"
    day = f"date '{side.moment[:10]}'"
    return f"(valid_from is null or valid_from <= {day}) and (valid_to is null or valid_to >= {day})"


def _has(con: duckdb.DuckDBPyConnection, db: str, table: str) -> bool:
    found = con.execute(
        "select count(*) from duckdb_tables() where database_name = ? and schema_name = 'marts' "
        "and table_name = ?",
        [db, table],
    ).fetchone()
    return found is not None and found[0] > 0


def _common(con: duckdb.DuckDBPyConnection, first: str, table: str, fields: tuple[str, ...]) -> list[str]:
    """Return the fields that the table has on both sides (an older version may lack one)."""
    found = con.execute(
        "select column_name from duckdb_columns() where database_name in (?, 'b') and schema_name = 'marts' "
        "and table_name = ? group by 1 having count(*) = (case when ? = 'b' then 1 else 2 end)",
        [first, table, first],
    ).fetchall()
    known = {row[0] for row in found}
    return [field for field in fields if field in known]
