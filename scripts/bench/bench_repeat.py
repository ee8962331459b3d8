"""How long a run takes in which nothing is new, step by step, and what housekeeping does to it.

A home of the sample is filled with so many earlier fetches (the same figures again and again, as a source
gives that does not change), then the steps of a run are timed in this process, several times: with all the
files of these fetches, and again after housekeeping. The baseline is a whole run that must build.

    python scripts/bench/bench_repeat.py [--home DIR] [--fetches 100] [--runs 3] [--json]

`--home` names a home that has been published (it is copied); without it one is made with `ame run`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_SECONDS = 5.0


def steps_once() -> dict[str, float]:
    """Run the steps of one run in which nothing is new; return the seconds of each."""
    from ame_warehouse.pipeline import steps

    seconds: dict[str, float] = {}

    def timed(name: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        begin = time.perf_counter()
        answer = call()
        seconds[name] = time.perf_counter() - begin
        return answer

    found = timed("fetch_af", steps.fetch_af)
    if found["changed"]:
        raise SystemExit("the workbooks have changed: this home is not a repeated run")
    fetched = timed("fetch_kolada", steps.fetch_kolada)
    timed("parse_landing", lambda: steps.parse_landing(fetched["fetch_ids"]))
    if timed("plan_build", steps.plan_build)["needed"]:
        raise SystemExit("a build is needed: this home is not a repeated run")
    seconds["own_work"] = sum(seconds.values())
    return seconds


def medians(runs: int) -> dict[str, float]:
    """Return the median of each step over several runs."""
    found = [steps_once() for _ in range(runs)]
    return {name: round(statistics.median(one[name] for one in found), 2) for name in found[0]}


def fill(fetches: int) -> int:
    """Fetch and parse until there are so many fetches; return how many there are."""
    from ame_warehouse.landing.store import fetch_ids
    from ame_warehouse.pipeline import ingest
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    while len(fetch_ids(settings.landing)) < fetches:
        ingest.parse_landing(settings, ingest.fetch_kolada(settings, None, None, None)["fetch_ids"])
    return len(fetch_ids(settings.landing))


def tidy() -> dict[str, Any]:
    """Do the housekeeping as if everything were old."""
    from ame_warehouse.pipeline import housekeeping
    from ame_warehouse.settings import load_settings

    housekeeping._before = lambda _settings: "9999"
    return housekeeping.clean(load_settings())


def full_build(ame: Path, environment: dict[str, str]) -> float:
    """Return the seconds of a whole `ame run --full-refresh`."""
    begin = time.perf_counter()
    subprocess.run([ame, "run", "--full-refresh", "--json"], env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> int:
    """Measure and print; status 1 when the own work of a run takes longer than it may."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path)
    parser.add_argument("--fetches", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ame = Path(sys.executable).with_name("ame")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ |= {"AME_HOME": str(home), "AME_SOURCES": "sample"}
        if options.home:
            shutil.copytree(options.home, home, symlinks=True)
        result: dict[str, Any] = {"full_build_s": round(full_build(ame, dict(os.environ)), 1)}
        begin = time.perf_counter()
        subprocess.run([ame, "run", "--json"], check=True, capture_output=True)
        result["second_ame_run_s"] = round(time.perf_counter() - begin, 1)
        result["few_fetches"] = medians(options.runs)
        result["fetches"] = fill(options.fetches)
        result["many_fetches"] = medians(options.runs)
        result["housekeeping"] = tidy()
        result["after_housekeeping"] = medians(options.runs)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        print(
            f"full build (baseline)  {result['full_build_s']:>7.1f} s   ame run --full-refresh, whole process"
        )
        print(f"nothing new            {result['second_ame_run_s']:>7.1f} s   ame run, whole process")
        for name in ("few_fetches", "many_fetches", "after_housekeeping"):
            parts = ", ".join(f"{step} {seconds}" for step, seconds in result[name].items())
            print(f"own work, {name:<19} {parts}")
    worst = max(result[name]["own_work"] for name in ("few_fetches", "after_housekeeping"))
    return 0 if worst < MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
