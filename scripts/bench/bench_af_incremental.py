"""Would an incremental build of Arbetsförmedlingen's models pay? In full, against keeping what a build had.

    python scripts/bench/bench_af_incremental.py [--releases 2] [--memory 1GB]

`int_af__parts` and `int_af__records` are functions of each file alone, so that the rows of an earlier build
can be taken over. Three builds of the same made-up history (`country.py`): all releases but the newest, as
the build before; all of them, in full; the newest alone, with the rows of the build before copied in. The
tables of the last two must be equal, row by row; `int_af__versions` reads all records in either case. Prints
one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parent))

KEPT = ("int_af__parts", "int_af__records")


def land(folder: str, first: int, last: int) -> dict[str, Any]:
    """Write releases `first` to `last` - 1 into a folder of observations."""
    import country

    from ame_warehouse.settings import Settings

    settings = Settings(home=Path(folder), _env_file=None)
    return {"rows": country.releases(settings, range(first, last))}


def build(folder: str, file: str, models: str) -> dict[str, Any]:
    """Build models and what they need with dbt, without their tests."""
    from dbt.cli.main import dbtRunner

    from ame_warehouse.settings import Settings

    settings = Settings(home=Path(folder), _env_file=None)
    os.environ |= {"AME_OBSERVATIONS": str(settings.observations), "AME_BUILD_FILE": file}
    project = str(settings.dbt_project)
    folders = ["--project-dir", project, "--profiles-dir", project, "--target-path", f"{folder}/target"]
    chosen = ["--select", *models.split()]
    kinds = ["--resource-type", "model", "--resource-type", "seed"]
    words = ["--quiet", "--log-path", f"{folder}/logs", "build", *kinds, *chosen, *folders]
    done = dbtRunner().invoke([*words, "--vars", json.dumps({"ame_mode": "live"})])
    if not done.success:
        raise RuntimeError(f"dbt could not build {models}: see {folder}/logs")
    results: Any = done.result
    return {"models": len(results.results)}


def take_over(before: str, file: str, memory: str) -> dict[str, Any]:
    """Copy the rows that the build before had into this one."""
    with duckdb.connect(file, config={"memory_limit": memory}) as con:
        con.execute(f"attach '{before}' as before (read_only)")
        con.execute("set preserve_insertion_order = false")
        for table in KEPT:
            con.execute(f"insert into intermediate.{table} by name from before.intermediate.{table}")
    return {}


def compared(one: str, other: str, table: str) -> bool:
    """Return whether a table is the same in two files, to the last bit, whatever the order of its rows."""
    from ame_warehouse.publish.checksum import digest_of_copy

    found = []
    for file in (one, other):
        with duckdb.connect(file, read_only=True) as con:
            found.append(digest_of_copy(con, f"intermediate.{table}"))
    return found[0] == found[1] and found[0][0] > 0


def main() -> None:
    """Measure and print."""
    from bench_country import Measured

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--releases", type=int, default=2)
    parser.add_argument("--memory", default="1GB")
    options = parser.parse_args()
    os.environ["AME_MEMORY_LIMIT"] = options.memory
    home = Path(tempfile.mkdtemp(prefix="amebench"))
    measured = Measured()
    try:
        parts = {"before": (0, options.releases - 1), "full": (0, options.releases)}
        parts["newest"] = (options.releases - 1, options.releases)
        files = {name: str(home / f"{name}.duckdb") for name in parts}
        rows = {
            name: measured.stage(f"(files) {name}", land, str(home / name), *numbers)["rows"]
            for name, numbers in parts.items()
        }
        records = "+int_af__records"
        versions = "stg_af__files stg_af__jobseekers int_af__releases int_af__versions"
        for name in parts:
            measured.stage(f"records {name}", build, str(home / name), files[name], records)
        measured.stage("take over", take_over, files["before"], files["newest"], options.memory)
        for name in ("full", "newest"):
            measured.stage(f"versions {name}", build, str(home / "full"), files[name], versions)
        equal = {
            table: compared(files["full"], files["newest"], table) for table in (*KEPT, "int_af__versions")
        }
    finally:
        shutil.rmtree(home, ignore_errors=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {
        "rows": rows,
        "equal": equal,
        "stages": measured.stages,
        "cpu_s": round(used.ru_utime + used.ru_stime),
    }
    print(json.dumps(result, indent=1))
    if not all(equal.values()):
        raise SystemExit("the incremental build differs from the full one")


if __name__ == "__main__":
    main()
