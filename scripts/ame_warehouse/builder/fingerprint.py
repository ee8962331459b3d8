"""The fingerprint of a build: equal inputs give an equal fingerprint, and then nothing has to be built.

It covers what the source said (each new content, outcome or definition, not the time of a fetch that brought
nothing new), the dbt project with its seeds, the expectations, the code, the settings that matter, as_of, and
what people have acknowledged or explained.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse import __version__
from ame_warehouse.builder import silent
from ame_warehouse.errors import BuildError, LandingError
from ame_warehouse.quality import explained_gaps, releases
from ame_warehouse.quality.incidents import list_incidents
from ame_warehouse.settings import Settings

LEFT_OUT = {"target", "logs", "dbt_packages", "__pycache__", ".user.yml"}
PACKAGE = Path(__file__).resolve().parents[1]

FETCHES = """
    select fetch_id
    from read_parquet($measures, union_by_name = true, hive_partitioning = false)
    where mode = $mode and ($as_of is null or fetched_at <= $as_of::timestamp)
"""
# What each fetch brought of each measure that cannot be read: it is not among the observations.
ODD_SQL = """
create or replace temp table odd as
select
    kpi_id,
    fetch_id,
    sha256(string_agg(
        concat_ws('|', municipality_id, year, gender, expected, found, detail), chr(10)
        order by municipality_id, year, gender, expected, found, detail
    )) as body
from read_parquet($findings, union_by_name = true, hive_partitioning = false)
where kind = 'odd_value'
group by kpi_id, fetch_id
"""
# One row per change: the first fetch that brought another content, outcome or scope than the one before it.
# Fetches of a part that said nothing new (table `silent`) are left out.
MEASURES_SQL = """
with asked as (
    select
        kpi_id,
        -- what a fetch asked for in vain says nothing
        case when outcome in ('complete', 'empty') then array_to_string(municipality_ids, ',') end as places,
        case
            when outcome in ('complete', 'empty') then coalesce(array_to_string(years, ','), 'all')
        end as years,
        outcome,
        concat_ws('|', coalesce(content_sha256, ''), odd.body) as content,
        fetched_at,
        fetch_id
    from read_parquet($measures, union_by_name = true, hive_partitioning = false)
    left join odd using (kpi_id, fetch_id)
    where mode = $mode and ($as_of is null or fetched_at <= $as_of::timestamp)
)
select kpi_id, places, years, outcome, content, fetched_at::varchar
from asked
anti join silent on asked.kpi_id = silent.kpi_id and asked.fetch_id = silent.fetch_id
qualify concat_ws('|', outcome, content, places, years) is distinct from
    lag(concat_ws('|', outcome, content, places, years))
    over (partition by kpi_id order by fetched_at, fetch_id)
order by kpi_id, fetched_at, fetch_id
"""
# The same for what the source says about measures, places and groups: (file, item, text of one row).
DEFINITIONS = (
    ("kpi_metadata", "kpi_id", "raw"),
    ("places", "'all'", "to_json([id, title, type])"),
    ("groups", "group_id", "to_json([title, member_id, member_title])"),
)
# Dates that the newest usable fetch has reached: a value becomes final while the content stays the same.
NEWEST = """
    select kpi_id, fetch_id, fetched_at
    from read_parquet($measures, union_by_name = true, hive_partitioning = false)
    where
        mode = $mode
        and ($as_of is null or fetched_at <= $as_of::timestamp)
        and outcome in ('complete', 'empty')
    qualify row_number() over (partition by kpi_id order by fetched_at desc, fetch_id desc) = 1
"""
DATES = {
    "kpi_metadata": """
        select newest.kpi_id, fetched_at >= prel_publication_date, fetched_at >= publication_date
        from ({newest}) as newest
        inner join (
            select fetch_id, kpi_id, prel_publication_date, publication_date
            from read_parquet($files, union_by_name = true, hive_partitioning = false)
        ) as said on newest.fetch_id = said.fetch_id and newest.kpi_id = said.kpi_id
        order by newest.kpi_id
    """,
    "preliminary_rules": """
        select
            newest.kpi_id,
            year(fetched_at),
            fetched_at >= make_date(year(fetched_at), final_month::integer, final_day::integer)
        from ({newest}) as newest
        inner join read_csv($files, header = true, all_varchar = true) as rules
            on newest.kpi_id = rules.kpi_id
        order by newest.kpi_id
    """,
}
# Corrections of known errors of the source that have begun, and those that have ended, by the day of a build.
CORRECTIONS_SQL = """
select
    count(*) filter (where corrected_on::date <= $day::date),
    count(*) filter (where expires_on::date < $day::date)
from read_csv($file, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
"""
# One row per change of what is in use of Arbetsförmedlingen's workbooks.
WORKBOOKS_SQL = """
with used as (
    select
        concat_ws('|', dataset, case when dataset = 'rusta_och_matcha' then period_last end) as slot,
        concat_ws('|', file_sha256, period_last, outcome in ('failed', 'refused', 'missing'), is_stale)
            as state,
        fetched_at,
        fetch_id
    from read_parquet($files, union_by_name = true, hive_partitioning = false)
    where mode = $mode and ($as_of is null or fetched_at <= $as_of::timestamp)
)
select slot, state, fetched_at::varchar
from used
qualify state is distinct from lag(state) over (partition by slot order by fetched_at, fetch_id)
order by slot, fetched_at, fetch_id
"""
DEFINITION_SQL = """
with said as (
    select
        {item} as item,
        fetched_at,
        fetch_id,
        sha256(string_agg({text}::varchar, chr(10) order by {text}::varchar)) as body
    from read_parquet($files, union_by_name = true, hive_partitioning = false)
    where fetch_id in ({fetches})
    group by 1, 2, 3
)
select item, body
from said
qualify lag(body) over (partition by item order by fetched_at, fetch_id) is distinct from body
order by item, fetched_at, fetch_id
"""


def fingerprint(settings: Settings, as_of: str | None = None) -> str:
    """Return the fingerprint of the build that would be made now, as 64 hex digits.

    Args:
        settings: where the observations, the project and the incidents are.
        as_of: UTC time as ISO text; only what was known then counts. None = everything.

    Raises `LandingError` when the index of observations cannot be read.
    """
    return combine(parts(settings, as_of))


def combine(found: dict[str, str]) -> str:
    """Return the fingerprint of its parts."""
    text = json.dumps(found, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def parts(settings: Settings, as_of: str | None = None) -> dict[str, str]:
    """Return the fingerprint part by part, so that a person can see what changed."""
    return {
        "observations": _digest(_index(settings, as_of)),
        "dbt_project": _digest(files_digest(settings.dbt_project)),
        "expectations": _digest(files_digest(settings.project / "expectations")),
        "code": _digest([__version__, *files_digest(PACKAGE, "*.py")]),
        "settings": _digest([settings.sources, sorted(settings.municipality_scope)]),
        "as_of": as_of or "",
        "acknowledged": _digest(
            [
                [i.incident_id, i.acknowledged_by, i.note]
                for i in list_incidents(settings)
                if i.acknowledged_by
            ]
            + explained_gaps.in_force(settings, explained_gaps.build_day(as_of))
        ),
        "decisions": _digest(
            [astuple(one) for one in releases.decisions(settings) if not as_of or one.decided_at <= as_of]
        ),
    }


def files_digest(root: Path, pattern: str = "*") -> list[tuple[str, str]]:
    """Return (relative path, sha256) of the files under `root`, without what tools leave behind."""
    found = []
    for path in sorted(root.rglob(pattern)):
        relative = path.relative_to(root)
        if path.is_file() and not LEFT_OUT.intersection(relative.parts):
            try:
                body = path.read_bytes()
            except OSError as exc:
                raise BuildError(
                    f"{path.name} cannot be read",
                    expected="a file that this user may read",
                    found=f"{type(exc).__name__}: {exc.strerror or exc}",
                    source=str(path),
                    action="correct the permissions, or restore the file from version control",
                ) from exc
            found.append((relative.as_posix(), hashlib.sha256(body).hexdigest()))
    return found


def _digest(items: Iterable[Any]) -> str:
    text = json.dumps(list(items), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def observation_files(settings: Settings, name: str, source: str = "kolada") -> str | None:
    """Return the pattern of the Parquet files `name` of all fetches of a source; None when there are none."""
    pattern = f"source={source}/fetch=*/{name}.parquet"
    return str(settings.observations / pattern) if any(settings.observations.glob(pattern)) else None


def _files(settings: Settings) -> dict[str, str]:
    folder = settings.observations / "source=kolada" / "fetch=*"
    return {
        "observations": str(folder / "observations.parquet"),
        "metadata": str(folder / "kpi_metadata.parquet"),
        "rules": str(settings.seeds / "preliminary_rules.csv"),
    }


def _index(settings: Settings, as_of: str | None) -> list[Any]:
    measures = observation_files(settings, "measures")
    workbooks = observation_files(settings, "files", "arbetsformedlingen")
    known = {"measures": measures, "mode": settings.sources, "as_of": as_of}
    found: list[Any] = []
    try:
        with duckdb.connect() as con:
            con.execute("set timezone = 'UTC'")
            if workbooks is not None:
                asked = {"files": workbooks, "mode": settings.sources, "as_of": as_of}
                found += con.execute(WORKBOOKS_SQL, asked).fetchall()
            if measures is None:
                return found
            silent.find(con, known, _files(settings))
            con.execute(ODD_SQL, {"findings": observation_files(settings, "findings")})
            found += con.execute(MEASURES_SQL, known).fetchall()
            for name, item, text in DEFINITIONS:
                files = observation_files(settings, name)
                if files is not None:
                    sql = DEFINITION_SQL.format(item=item, text=text, fetches=FETCHES)
                    found += [(name, *row) for row in con.execute(sql, {**known, "files": files}).fetchall()]
            for name, sql in DATES.items():
                seed = settings.seeds / f"{name}.csv"
                files = str(seed) if seed.exists() else observation_files(settings, name)
                if files is not None:
                    rows = con.execute(sql.format(newest=NEWEST), {**known, "files": files}).fetchall()
                    found += [("dates", name, *row) for row in rows]
            corrections = settings.seeds / "source_corrections.csv"
            if corrections.exists():
                day = explained_gaps.build_day(as_of).isoformat()
                asked = {"file": str(corrections), "day": day}
                found += con.execute(CORRECTIONS_SQL, asked).fetchall()
    except duckdb.Error as exc:
        raise LandingError(
            "the index of observations, or a seed that goes with it, cannot be read",
            expected="the Parquet files that parsing the landing writes, and the seeds of the dbt project",
            found=str(exc).splitlines()[0],
            source=f"{settings.observations}; {settings.seeds}",
            action="correct the file that is named; observations can be made again from the landing: "
            "`ame reparse`",
        ) from exc
    return found
