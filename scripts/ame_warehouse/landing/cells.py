"""From all that was read to what counts: rows that were asked for, of complete measures, each key once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from ame_warehouse.landing.tables import fill


def make_cells(
    connection: duckdb.DuckDBPyConnection, fetch: dict[str, Any], checksums: Sequence[str]
) -> None:
    """Make the tables of one fetch from the table `raw`.

    `pages`: number and checksum of each stored page. `scoped`: rows that were asked for. `duplicates`: keys
    that stand there more than once. `strangers`: rows that were not asked for. `cells`: rows of complete
    measures, each key once.
    """
    _asked(connection, fetch, checksums)
    connection.execute(
        """
        create temp table scoped as
        select r.rowid as row_no, r.*
        from raw as r
        inner join set_pages as p on r.page_no = p.page_no
        inner join set_kpis as k on p.set_no = k.set_no and r.kpi_id = k.kpi_id
        inner join set_places as m on p.set_no = m.set_no and r.municipality_id = m.municipality_id
        inner join set_years as y on p.set_no = y.set_no and (y.year is null or r.year = y.year)
        """
    )
    connection.execute(
        """
        create temp table duplicates as
        select kpi_id, municipality_id, year, gender, count(*) as n
        from scoped group by all having count(*) > 1
        """
    )
    connection.execute(
        """
        create temp table strangers as
        select r.kpi_id, r.municipality_id, r.year
        from raw as r
        anti join scoped as s on r.rowid = s.row_no
        where (select count(*) from raw) > (select count(*) from scoped)
        """
    )
    connection.execute(
        """
        create temp table surplus as
        select s.row_no
        from scoped as s
        inner join duplicates as d
            on s.kpi_id = d.kpi_id and s.municipality_id = d.municipality_id
                and s.year = d.year and s.gender = d.gender
        qualify row_number() over (
            partition by s.kpi_id, s.municipality_id, s.year, s.gender
            order by s.page_no, s.value, s.status, s.is_deleted, s.member_count, s.raw_value
        ) > 1
        """
    )
    connection.execute(
        """
        create temp view cells as
        select s.* exclude (row_no)
        from scoped as s
        semi join complete as k on s.kpi_id = k.kpi_id
        anti join surplus as x on s.row_no = x.row_no
        """
    )
    connection.execute("drop table raw")


def _asked(connection: duckdb.DuckDBPyConnection, fetch: dict[str, Any], checksums: Sequence[str]) -> None:
    """Tables of what each stored page was asked for, and of the measures that are complete."""
    number = {sha256: page_no for page_no, sha256 in enumerate(checksums)}
    sets = list(enumerate(fetch["sets"]))
    fill(
        connection,
        "pages",
        [{"page_no": page_no, "object_sha256": sha256} for sha256, page_no in number.items()],
        {"page_no": "INTEGER", "object_sha256": "VARCHAR"},
    )
    fill(
        connection,
        "set_pages",
        [{"set_no": n, "page_no": number[sha]} for n, one in sets for sha in dict.fromkeys(one["objects"])],
        {"set_no": "INTEGER", "page_no": "INTEGER"},
    )
    for table, field, column, kind in (
        ("set_kpis", "kpi_ids", "kpi_id", "VARCHAR"),
        ("set_places", "municipality_ids", "municipality_id", "VARCHAR"),
        ("set_years", "years", "year", "INTEGER"),
    ):
        rows = [{"set_no": n, column: item} for n, one in sets for item in one[field] or [None]]
        fill(connection, table, rows, {"set_no": "INTEGER", column: kind})
    complete = [{"kpi_id": one["kpi_id"]} for one in fetch["measures"] if one["outcome"] == "complete"]
    fill(connection, "complete", complete, {"kpi_id": "VARCHAR"})
