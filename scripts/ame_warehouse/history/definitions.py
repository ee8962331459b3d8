"""What the source, or the warehouse, says about its measures: what of it changed between two states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ame_warehouse.builder.fingerprint import observation_files
from ame_warehouse.pipeline.published import rows

if TYPE_CHECKING:
    import duckdb

    from ame_warehouse.history.diff import State
    from ame_warehouse.settings import Settings

Row = dict[str, Any]
# Between versions: the published columns. Between days: what the source's catalogue said, under these names.
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
    "definition": "description",
    "is_divided_by_gender": "is_divided_by_gender",
    "operating_area": "operating_area",
    "publication_period": "publ_period",
}
SAID_SQL = """
select kpi_id, {picked}
from read_parquet($files, union_by_name = true, hive_partitioning = false)
where
    fetched_at <= $moment::timestamp
    and fetch_id in (
        select fetch_id
        from read_parquet($measures, union_by_name = true, hive_partitioning = false)
        where mode = $mode
    )
qualify row_number() over (partition by kpi_id order by fetched_at desc, fetch_id desc) = 1
"""
ROW_SQL = """
select
    'definition' as change,
    names.measure_id,
    names.title as measure,
    fields.field,
    fields.said_before as "before",
    fields.said_after as "after"
from ({pairs}) as fields
inner join b.marts.dim_measure as names on {matched}
where fields.said_before is distinct from fields.said_after
order by names.measure_id, fields.field
"""


def changes(
    settings: Settings, con: duckdb.DuckDBPyConnection, before: State, after: State, first: str
) -> tuple[list[Row], str | None]:
    """Return the changed definitions as rows, and why they could not be compared (else None).

    `con` has the file of `before` attached as `first` and that of `after` as `b`. A measure that only one
    side has is no changed definition: its values are added or withdrawn.
    """
    if before.moment is None and after.moment is None:
        return rows(con, _between_versions(first)), None
    moments = [one.moment or one.as_of for one in (before, after)]
    said = observation_files(settings, "kpi_metadata")
    measures = observation_files(settings, "measures")
    if said is None or measures is None or None in moments:
        return [], "AME_HOME/observations has no answers of the catalogue"
    for name, moment in zip(("said_before", "said_after"), moments, strict=True):
        picked = ", ".join(f'"{column}"::varchar as "{field}"' for field, column in SAID_FIELDS.items())
        con.execute(
            f"create or replace temp table {name} as " + SAID_SQL.format(picked=picked),
            {"files": said, "measures": measures, "mode": settings.sources, "moment": moment},
        )
    pairs = " union all ".join(
        f'select a.kpi_id, \'{field}\' as field, a."{field}" as said_before, c."{field}" as said_after '  # noqa: S608
        "from said_before as a inner join said_after as c on a.kpi_id = c.kpi_id"
        for field in SAID_FIELDS
    )
    return rows(con, ROW_SQL.format(pairs=pairs, matched="names.kpi_id = fields.kpi_id")), None


def _between_versions(first: str) -> str:
    pairs = " union all ".join(
        f"select a.measure_id, '{field}' as field, a.\"{field}\"::varchar as said_before, "  # noqa: S608
        f'c."{field}"::varchar as said_after from {first}.marts.dim_measure as a '
        "inner join b.marts.dim_measure as c on a.measure_id = c.measure_id"
        for field in FIELDS
    )
    return ROW_SQL.format(pairs=pairs, matched="names.measure_id = fields.measure_id")
