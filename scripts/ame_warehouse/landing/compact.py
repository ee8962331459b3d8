"""Old parsed fetches, many small files each, become one directory with the same rows.

`observations/source=kolada/fetch=<id>` of the newest of them then holds the rows of all, and `fetches.json`
names them. Every row keeps its `fetch_id`, so that whoever reads `fetch=*` reads the same. The merged files
are made first; then a plan is written, the old directories go and the new one comes. An interruption is
finished by the next step that writes (`finish`).
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from ame_warehouse.errors import LandingError
from ame_warehouse.landing.index import FETCHES, fetch_dir, parsed_directories
from ame_warehouse.landing.schema import SORT, TABLES
from ame_warehouse.landing.store import write_whole
from ame_warehouse.landing.tables import connect
from ame_warehouse.settings import Settings

STAGED = ".partial-compact"
PLAN = ".compact.json"
GONE = ".gone-"
FEWEST = 20  # small directories that are worth one large one


def compact(settings: Settings, before: str) -> dict[str, int]:
    """Merge the parsed fetches with ids below `before`; call only as the one writer.

    Returns {"fetches": merged now, "bytes": saved}. Raises `LandingError` when disk or permissions do not
    allow it; the rows are then as they were.
    """
    known = parsed_directories(settings.observations)
    old = {path: ids for path, ids in known.items() if max(ids) < before}
    small = sum(1 for ids in old.values() if len(ids) == 1)
    if small < FEWEST:
        return {"fetches": 0, "bytes": 0}
    root = _root(settings)
    ids = sorted(fetch_id for held in old.values() for fetch_id in held)
    size = sum(file.stat().st_size for path in old for file in path.iterdir())
    staged = root / STAGED
    try:
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        _merge(settings, sorted(old), staged)
        write_whole(staged / FETCHES, json.dumps(ids).encode())
        saved = size - sum(file.stat().st_size for file in staged.iterdir())
        plan = {"gone": sorted(path.name for path in old), "target": fetch_dir(Path(), ids[-1]).name}
        write_whole(root / PLAN, json.dumps(plan).encode())
    except (OSError, duckdb.Error) as exc:
        shutil.rmtree(staged, ignore_errors=True)
        raise LandingError(
            "the observations cannot be compacted",
            expected="free space and permission to write in AME_HOME/observations",
            found=str(exc).splitlines()[0],
            source=str(root),
            action="free space or correct the permissions; nothing was removed",
        ) from exc
    finish(settings)
    return {"fetches": small, "bytes": saved}


def is_under_way(settings: Settings) -> bool:
    """Return whether a merge was interrupted, or goes on: the directories are not all in place."""
    return (_root(settings) / PLAN).exists()


def finish(settings: Settings) -> None:
    """Carry out the plan of a merge, from wherever it was interrupted; nothing to do when there is none."""
    root = _root(settings)
    plan_file = root / PLAN
    if not plan_file.exists():
        return
    plan: dict[str, Any] = json.loads(plan_file.read_text(encoding="utf-8"))
    staged = root / STAGED
    if staged.exists():
        for name in plan["gone"]:
            if (root / name).exists():
                (root / name).rename(root / f"{GONE}{name}")
        staged.rename(root / plan["target"])
    plan_file.unlink()
    for path in root.glob(f"{GONE}*"):
        with suppress(OSError):
            shutil.rmtree(path)


def _merge_table(con: duckdb.DuckDBPyConnection, table: str, files: list[str], target: Path) -> None:
    rows = "read_parquet($files, hive_partitioning = false, union_by_name = true)"
    name = str(target).replace("'", "''")
    con.execute(
        f"copy (select * from {rows} order by fetch_id, {SORT[table]}) to '{name}'"  # noqa: S608 - our own
        " (format parquet, compression zstd)",
        {"files": files},
    )
    count = f"select count(*) from {rows}"  # noqa: S608 - our own
    before, after = (con.execute(count, {"files": one}).fetchone() for one in (files, [str(target)]))
    if before != after:
        raise OSError(f"the merged {table} have another number of rows: {after}, not {before}")


def _root(settings: Settings) -> Path:
    return fetch_dir(settings.observations, "").parent


def _merge(settings: Settings, directories: list[Path], staged: Path) -> None:
    con = connect(settings.memory_limit)
    try:
        con.execute(f"set temp_directory = '{str(staged / 'spill').replace(chr(39), chr(39) * 2)}'")
        for table in TABLES:
            files = [path / f"{table}.parquet" for path in directories]
            files = [path for path in files if path.exists()]  # an older parser knew fewer tables
            if files:
                _merge_table(con, table, [str(path) for path in files], staged / f"{table}.parquet")
    finally:
        con.close()
        shutil.rmtree(staged / "spill", ignore_errors=True)
