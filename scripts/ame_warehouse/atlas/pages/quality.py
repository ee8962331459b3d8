"""Kvalitet: what is published, open incidents, what changed, every check and its result."""

from __future__ import annotations

import shutil
from typing import Any

from ame_warehouse.atlas import texts
from ame_warehouse.atlas.site import MenuEntry, Site

ENTRY = MenuEntry("quality", "kvalitet.html")
MOST_CHANGES = 2_000
INCIDENTS_SQL = """
select incident_id, check_id, severity, scope, summary, owner, action, opened_at, last_seen_at, times_seen,
    acknowledged_by, acknowledged_at, note, resolved_at
from quality.incidents
order by resolved_at is not null, opened_at desc, incident_id
"""
CHECKS_SQL = "select * from quality.check_results order by stage, check_id"
COUNTS_SQL = """
select stage, severity, status, count(*) as n
from quality.check_results
group by all
order by all
"""
CHANGES_SQL = """
select change, subject_id, subject, field, n, municipality_id, municipality, period, gender, value_before,
    value_after, difference, text_before, text_after, version, version_before
from quality.changes
order by version desc, change, subject, municipality, period, gender, field
limit ?
"""
HAS_TABLE_SQL = """
select count(*) as n
from information_schema.tables
where table_catalog = current_database() and table_schema = 'quality' and table_name = ?
"""


def build(site: Site) -> None:
    """Write `kvalitet.html` and its data, and copy Data Docs when they are there."""
    docs = _copy_data_docs(site)
    checks = [_check(row, docs) for row in site.rows(CHECKS_SQL)]
    site.write_data("checks", checks)
    site.write_data(
        "quality",
        {
            "versions": site.versions,
            "incidents": site.rows(INCIDENTS_SQL),
            "counts": site.rows(COUNTS_SQL),
            "failing": [row for row in checks if not row["success"]],
            "changes": _changes(site),
        },
    )
    site.write_page(
        "quality",
        ENTRY.path,
        "quality.html",
        "quality",
        title=texts.all_texts()["menu.quality"],
        has_docs=docs,
    )


def _check(row: dict[str, Any], has_docs: bool) -> dict[str, Any]:
    page = row.get("docs_page") if has_docs else None
    return {**row, "docs_page": f"data_docs/{page}" if page else None}


def _copy_data_docs(site: Site) -> bool:
    if site.data_docs is None or not (site.data_docs / "index.html").exists():
        return False
    shutil.copytree(site.data_docs, site.out / "data_docs")
    return True


def _changes(site: Site) -> dict[str, Any] | None:
    """Return what changed since the version before, as the published table has it; None without one."""
    if not site.rows(HAS_TABLE_SQL, ["changes"])[0]["n"]:
        return None
    total = site.rows("select count(*) as n from quality.changes")[0]["n"]
    return {"total": total, "rows": site.rows(CHANGES_SQL, [MOST_CHANGES])}
