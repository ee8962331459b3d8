"""What a run brought, for a person at the end of `ame run` and for a program with `--json`."""

from __future__ import annotations

import shutil
import sys
import textwrap
from itertools import groupby
from pathlib import Path
from typing import Any

from ame_warehouse.alerts.evidence import found_in
from ame_warehouse.pipeline.published import open_published, read_manifest, rows
from ame_warehouse.quality.incidents import list_incidents
from ame_warehouse.settings import Settings

MAX_GAP_LINES = 30
MAX_INCIDENT_LINES = 10
MAX_NAMES = 8
MAX_FOUND = 150

NEXT = (
    ("status", "what is published, and as of when"),
    ("gaps", "the whole list of missing cells"),
    ("incidents", "what is wrong, and who should act"),
    ("atlas --serve", "look at it in a browser"),
    ("up", "Airflow's page and scheduler, and the atlas, on this machine"),
)
COVERAGE_SQL = """
select
    coalesce(m.topic_sv, m.topic) as topic,
    count(distinct c.measure_id) as measures,
    min(c.year) as first_year,
    max(c.year) as last_year,
    cast(sum(c.n_expected) as bigint) as n_expected,
    cast(sum(c.n_reported) as bigint) as n_reported
from quality.coverage as c
inner join marts.dim_measure as m on c.measure_id = m.measure_id
group by all
order by topic
"""
GAPS_SQL = """
select
    g.measure_id,
    g.measure,
    coalesce(m.topic_sv, m.topic) as topic,
    g.municipality_id,
    g.municipality,
    g.year,
    g.kind
from quality.gaps as g
inner join marts.dim_measure as m on g.measure_id = m.measure_id
where g.missing_reason = 'not_reported'
order by topic, g.measure_id, g.year, g.municipality_id
"""


def summarise(settings: Settings, outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of a run as a JSON-able dictionary.

    `outcome` is what `runner.run` returned. Keys: version, published (did this run publish), reason,
    built_at, sources, tables {name: rows}, coverage [per topic], gaps {total, by_reason, not_reported},
    checks, incidents (open), files, log.
    """
    steps = outcome["steps"]
    plan = steps.get("plan_build", {})
    manifest = read_manifest(settings)
    with open_published(settings) as con:
        coverage = rows(con, COVERAGE_SQL)
        not_reported = rows(con, GAPS_SQL)
        reasons = rows(
            con, "select missing_reason, count(*) as n from quality.gaps group by all order by missing_reason"
        )
        checks = rows(
            con,
            "select status, severity, count(*) as n from quality.check_results "
            "group by all order by status, severity",
        )
        tables = _row_counts(con)
    return {
        "version": manifest["version"],
        "published": "publish" in steps,
        "reason": plan.get("reason"),
        "built_at": manifest.get("built_at"),
        "sources": manifest.get("sources"),
        "fetch": steps.get("fetch_kolada", {}),
        "observations": steps.get("parse_landing", {}),
        "workbooks": steps.get("fetch_af", {}).get("files", {}),
        "unfetched": outcome.get("unfetched", {}),
        "tables": tables,
        "coverage": coverage,
        "gaps": {
            "total": sum(row["n"] for row in reasons),
            "by_reason": {row["missing_reason"]: row["n"] for row in reasons},
            "not_reported": not_reported,
        },
        "checks": checks,
        "incidents": [
            {
                "incident_id": i.incident_id,
                "severity": i.severity,
                "check_id": i.check_id,
                "summary": i.summary,
                "acknowledged_by": i.acknowledged_by,
            }
            for i in list_incidents(settings, open_only=True)
        ],
        "files": {
            "warehouse": str(settings.published / "warehouse.duckdb"),
            "parquet": str(settings.published / "parquet"),
            "manifest": str(settings.published / "manifest.json"),
            "data_docs": str(settings.quality / "data_docs"),
            "atlas": str(settings.home / "atlas"),
        },
        "log": outcome["log"],
    }


def _row_counts(con: Any) -> dict[str, int]:
    """Return the rows of every published table, `marts` first."""
    names = con.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema in ('marts', 'quality') and not starts_with(table_name, 'failing_') "
        "order by table_schema, table_name"
    ).fetchall()
    counts: dict[str, int] = {}
    for schema, table in names:
        count = con.execute(f'select count(*) from "{schema}"."{table}"').fetchone()  # noqa: S608
        counts[f"{schema}.{table}"] = int(count[0])
    return counts


def write(report: dict[str, Any]) -> None:
    """Write the summary for a person to stdout."""
    out = sys.stdout.write
    out("\n")
    if report["published"]:
        out(f"Published version {report['version']} (built because: {report['reason']})\n")
    else:
        out(f"Unchanged: version {report['version']} stays published ({report['reason'] or 'nothing new'})\n")
    for dag_id, error in report["unfetched"].items():
        out(f"Not fetched ({dag_id}), what was fetched before stays in use: {error}\n")
    if (report["sources"] or {}).get("arbetsformedlingen", {}).get("mode") == "sample":
        out("Arbetsförmedlingen's figures of the sample are synthetic (origin 'synthetic').\n")
    out("\nRows\n")
    out(
        _columns(
            [(name, f"{count}") for name, count in report["tables"].items() if name.startswith("marts.")]
        )
    )
    out("\nCoverage (reported of expected cells, total of both sexes)\n")
    out(
        _columns(
            [
                (
                    c["topic"],
                    f"{c['n_reported']}/{c['n_expected']}",
                    f"{c['measures']} measure{'' if c['measures'] == 1 else 's'}",
                    f"{c['first_year']}–{c['last_year']}",
                )
                for c in report["coverage"]
            ],
            left=(0, 2, 3),
        )
    )
    _write_gaps(report["gaps"])
    _write_incidents(report["incidents"], report["checks"])
    files = report["files"]
    out("\nFiles\n")
    out(_columns([(name.replace("_", " "), path) for name, path in files.items()], left=(0, 1)))
    out("\nNext\n")
    out(_columns([(f"{command_name()} {words}", what) for words, what in NEXT], left=(0, 1)))
    sys.stdout.flush()


def command_name() -> str:
    """Return how a person calls this command from here: `ame` only where the shell finds it."""
    called, here = Path(sys.argv[0]).absolute(), Path.cwd()
    if shutil.which("ame") or called.name != "ame":
        return "ame"
    return str(called.relative_to(here) if called.is_relative_to(here) else called)


def gap_lines(gaps: list[dict[str, Any]]) -> list[str]:
    """Return the gaps by topic and year, with the municipalities' names and ids.

    Measures of one topic that lack the same cells share their lines: a municipality that did not answer one
    question of a group has mostly not answered the others either.
    """
    cells: dict[tuple[str, str], dict[tuple[int, str], str]] = {}
    titles: dict[str, str] = {}
    for gap in gaps:
        titles[gap["measure_id"]] = gap["measure"]
        of_measure = cells.setdefault((gap["topic"], gap["measure_id"]), {})
        of_measure[gap["year"], gap["municipality_id"]] = f"{gap['municipality']} ({gap['municipality_id']})"
    shared: dict[tuple[str, tuple[tuple[int, str], ...]], list[str]] = {}
    for (topic, measure_id), named in cells.items():
        shared.setdefault((topic, tuple(sorted(named))), []).append(measure_id)
    lines: list[str] = []
    for (topic, keys), measures in shared.items():
        what = (
            titles[measures[0]] if len(measures) == 1 else f"{len(measures)} measures: {', '.join(measures)}"
        )
        lines.append(f"  {topic}: {what}")
        named = cells[topic, measures[0]]
        for year, of_year in groupby(keys, key=lambda key: key[0]):
            names = [named[key] for key in of_year]
            more = f" … and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES + 1 else ""
            lines.append(f"    {year}  {', '.join(names[:MAX_NAMES] if more else names)}{more}")
    return lines


def _write_gaps(gaps: dict[str, Any]) -> None:
    out = sys.stdout.write
    counts = ", ".join(f"{n} {reason}" for reason, n in gaps["by_reason"].items())
    out(f"\nMissing cells: {gaps['total']}" + (f" ({counts})" if counts else "") + "\n")
    lines = gap_lines(gaps["not_reported"])
    if lines:
        out('  Missing ("i.u.") years by name\n')
    for line in lines[:MAX_GAP_LINES]:
        out(f"  {line}\n")
    if len(lines) > MAX_GAP_LINES:
        out(f"    … {len(lines) - MAX_GAP_LINES} more lines: see `ame gaps`\n")


def _write_incidents(incidents: list[dict[str, Any]], checks: list[dict[str, Any]]) -> None:
    out = sys.stdout.write
    passed = sum(c["n"] for c in checks if c["status"] == "passed")
    out(f"\nChecks: {passed} of {sum(c['n'] for c in checks)} passed\n")
    out(f"Open incidents: {len(incidents)}\n")
    for incident in incidents[:MAX_INCIDENT_LINES]:
        known = f" [known to {incident['acknowledged_by']}]" if incident["acknowledged_by"] else ""
        found = textwrap.shorten(found_in(incident["summary"]), MAX_FOUND, placeholder=" …")
        name = f"{incident['incident_id']}  {incident['severity']}{known}"
        out(f"  {name}  {incident['check_id']}: {found}\n")
    if len(incidents) > MAX_INCIDENT_LINES:
        out(f"  … {len(incidents) - MAX_INCIDENT_LINES} more: see `ame incidents`\n")


def _columns(table: list[tuple[str, ...]], left: tuple[int, ...] = (0,)) -> str:
    """Return aligned lines; columns whose number is in `left` stand to the left, others to the right."""
    if not table:
        return "  (none)\n"
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = [
        "  "
        + "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join(lines) + "\n"
