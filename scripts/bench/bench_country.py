"""A run at the size of the whole country, stage by stage: wall clock, processor time, peak memory.

    python scripts/bench/bench_country.py [--years 32] [--releases 2] [--kpis 0] [--home DIR]

Every municipality and riket, every KPI of the catalogue, `--years` years (made-up figures, asked of the test
server and parsed as live ones), and `--releases` monthly releases of AF's whole history. Each stage runs in a
process of its own, as Airflow's tasks do. Processor time counts on a machine that does other work. `--home`
names an empty directory that is kept; one that this program has filled before is built and published again,
with what has landed. `--kpis` limits the KPIs, for trying the program itself.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

LAST_YEAR = 2025
SLOWEST = 15
Stage = dict[str, Any]


def serve_kolada(years: int, kpis: int, told: Any) -> None:
    """Answer as Kolada until the process is ended; tell the address."""
    from ame_warehouse.sample.server import KoladaServer
    from ame_warehouse.sample.synthetic import live_like
    from ame_warehouse.settings import Settings

    plain = Settings(_env_file=None)
    known = sorted(_kpi_ids(plain))[:kpis] if kpis else None
    dataset = live_like(plain, kpi_ids=known, years=range(LAST_YEAR - years + 1, LAST_YEAR + 1))
    with KoladaServer(dataset) as server:
        told.put((f"http://127.0.0.1:{server.port}/v3", len(dataset.cells)))
        time.sleep(86_400)


def _kpi_ids(settings: Any) -> set[str]:
    from ame_warehouse.seeds import read_seed

    rows = read_seed(settings, "kpi_catalogue", ("kpi_id", "in_current_catalogue"))
    return {row["kpi_id"] for row in rows if row["in_current_catalogue"] == "1"}


def add_releases(first: int, last: int) -> dict[str, Any]:
    """Write AF's releases `first` to `last` - 1 as observations."""
    import country

    from ame_warehouse.settings import load_settings

    return {"rows": country.releases(load_settings(), range(first, last))}


def fetch() -> dict[str, Any]:
    """Fetch from the test server."""
    from ame_warehouse.pipeline import steps

    return steps.fetch_kolada()


def run_dbt(version: str) -> dict[str, Any]:
    """Build the candidate; return the processor seconds of the slowest nodes too."""
    from ame_warehouse.builder import dbt_runner
    from ame_warehouse.pipeline import steps

    whole = dbt_runner.run_dbt
    nodes: list[tuple[str, float, float]] = []
    last = [time.perf_counter(), _processor()]

    def noted(*args: Any, **kwargs: Any) -> Any:
        inner = kwargs.pop("on_node", None)

        def on_node(name: str, done: int, total: int) -> None:
            now = [time.perf_counter(), _processor()]
            nodes.append((name, now[0] - last[0], now[1] - last[1]))
            last[:] = now
            if inner:
                inner(name, done, total)

        return whole(*args, on_node=on_node, **kwargs)

    dbt_runner.run_dbt = noted
    answer = steps.run_dbt(version)
    slowest = sorted(nodes, key=lambda node: node[2], reverse=True)[:SLOWEST]
    listed = [{"node": name, "wall_s": round(wall, 1), "cpu_s": round(cpu, 1)} for name, wall, cpu in slowest]
    return {**answer, "slowest": listed}


def step(name: str, *args: Any) -> dict[str, Any]:
    """Run one step of the pipeline."""
    from ame_warehouse.pipeline import steps

    answer: dict[str, Any] = getattr(steps, name)(*args)
    return answer


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _in_process(call: Callable[..., dict[str, Any]], args: tuple[Any, ...], answers: Any) -> None:
    begin = time.perf_counter()
    try:
        answer: dict[str, Any] = call(*args)
    except Exception as exc:
        answer = {"error": f"{type(exc).__name__}: {exc}"}
    used = resource.getrusage(resource.RUSAGE_SELF)
    answers.put(
        (
            answer,
            {
                "wall_s": round(time.perf_counter() - begin, 1),
                "cpu_s": round(used.ru_utime + used.ru_stime, 1),
                "user_s": round(used.ru_utime, 1),
                "peak_mb": used.ru_maxrss // 1024,
            },
        )
    )


class Measured:
    """The stages of one run, each in a process of its own."""

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self._context = multiprocessing.get_context("spawn")

    def stage(self, name: str, call: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
        """Run one stage and keep what it took; end the program when it failed."""
        answers = self._context.Queue()
        process = self._context.Process(target=_in_process, args=(call, args, answers))
        process.start()
        answer, taken = answers.get()
        process.join()
        self.stages[name] = taken
        print(f"{name:<16} {taken}", file=sys.stderr, flush=True)
        if "error" in answer:
            raise SystemExit(f"{name}: {answer['error']}")
        return dict(answer)


def land(measured: Measured, options: argparse.Namespace) -> dict[str, Any]:
    """Fetch, parse and write AF's releases."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    server = context.Process(target=serve_kolada, args=(options.years, options.kpis, told), daemon=True)
    server.start()
    try:
        os.environ["AME_KOLADA_URL"], records = told.get()
        fetched = measured.stage("fetch", fetch)
        parsed = measured.stage("parse", step, "parse_landing", fetched["fetch_ids"])
    finally:
        server.terminate()
    written = measured.stage("(AF's files)", add_releases, 0, options.releases)
    return {"records": records, "observations": parsed["observations"], "af_rows": written["rows"]}


def build(measured: Measured) -> dict[str, Any]:
    """Plan, check, build, publish, announce and show."""
    version = measured.stage("plan", step, "plan_build", True)["version"]
    measured.stage("check landing", step, "check_landing", version)
    built = measured.stage("dbt", run_dbt, version)
    measured.stage("check marts", step, "check_marts", version)
    published = measured.stage("publish", step, "publish", version)
    measured.stage("announce", step, "announce", version)
    measured.stage("atlas", step, "make_atlas", version)
    sizes = {"tables": published["tables"], "rows": published["rows"]}
    return {"dbt_nodes": built["nodes"], "slowest_nodes": built["slowest"], **sizes}


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--years", type=int, default=32)
    parser.add_argument("--releases", type=int, default=2)
    parser.add_argument("--kpis", type=int, default=0)
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    home = options.home or Path(tempfile.mkdtemp(prefix="amebench"))
    os.environ |= {
        "AME_HOME": str(home.resolve()),
        "AME_SOURCES": "live",
        "AME_KOLADA_RPS": "1000",
        "AME_KOLADA_URL": "http://127.0.0.1:9/v3",
    }
    measured = Measured()
    try:
        landed = {} if (home / "observations").exists() else land(measured, options)
        result = {**landed, **build(measured), "stages": measured.stages}
    finally:
        if options.home is None:
            shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
