"""How fast values get from stored pages into Parquet, against a plain loop over dictionaries and pandas.

Synthetic pages of the largest size (5,000 records, three genders) are stored in a landing of their own; both
ways read the same stored bytes and write one Parquet file. Each way runs in a process of its own, so that its
memory shows.

    python scripts/bench/bench_ingest.py [--pages 80] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ame_warehouse.landing.parse import parse_fetch
from ame_warehouse.landing.store import FetchWriter, Objects, new_fetch_id, read_fetch
from ame_warehouse.settings import Settings

RECORDS = 5000
PLACES = [f"{number:04d}" for number in range(25)]
YEARS = range(1825, 2025)  # 25 places × 200 years = one page for each KPI


def make_landing(home: Path, pages: int) -> tuple[str, int, int]:
    """Store one fetch of so many pages; return (fetch id, values, bytes)."""
    moment = datetime.now(UTC)
    writer = FetchWriter(home / "landing", new_fetch_id(moment))
    numbers = random.Random(1)
    sets, measures, size = [], [], 0
    for page in range(pages):
        kpi = f"N{page:05d}"
        values = [
            {
                "values": [
                    {
                        "gender": gender,
                        "count": 1,
                        "status": "",
                        "value": round(numbers.random() * 1000, 6),
                        "isdeleted": False,
                    }
                    for gender in "KMT"
                ],
                "kpi": kpi,
                "period": year,
                "municipality": place,
            }
            for place in PLACES
            for year in YEARS
        ]
        envelope = {"values": values, "next_url": None, "previous_url": None, "count": len(values)}
        body = json.dumps(envelope).encode()
        size += len(body)
        objects = [writer.objects.put(body)]
        sets.append({"kpi_ids": [kpi], "municipality_ids": PLACES, "years": None, "objects": objects})
        measures.append(
            {
                "kpi_id": kpi,
                "outcome": "complete",
                "error": None,
                "n_records": RECORDS,
                "objects": objects,
            }
        )
    writer.finish(
        {
            "fetch_id": writer.fetch_id,
            "source": "kolada",
            "mode": "live",
            "vintage": None,
            "fetched_at": moment.isoformat(),
            "started_at": moment.isoformat(),
            "municipality_ids": PLACES,
            "years": None,
            "measures": measures,
            "sets": sets,
            "odd_objects": [],
            "catalogue_objects": [],
            "place_objects": [],
            "group_objects": [],
            "findings": [],
        }
    )
    return writer.fetch_id, pages * RECORDS * 3, size


def ours(home: Path, fetch_id: str) -> int:
    """The parser of the warehouse; returns rows written."""
    return parse_fetch(Settings(_env_file=None, home=home), fetch_id)["observations"]


def dictionaries_and_pandas(home: Path, fetch_id: str) -> int:
    """The plain way: every value a dictionary, one sorted data frame, one file; returns rows written."""
    import pandas as pd

    objects = Objects(home / "landing")
    rows = []
    for one in read_fetch(home / "landing", fetch_id)["sets"]:
        for sha256 in one["objects"]:
            for record in json.loads(objects.get(sha256))["values"]:
                for value in record["values"]:
                    rows.append(
                        {
                            "kpi_id": record["kpi"],
                            "municipality_id": record["municipality"],
                            "year": record["period"],
                            "gender": value["gender"],
                            "value": value["value"],
                            "status": value["status"],
                            "is_deleted": value["isdeleted"],
                            "member_count": value["count"],
                            "object_sha256": sha256,
                        }
                    )
    frame = pd.DataFrame(rows).sort_values(["kpi_id", "municipality_id", "year", "gender"])
    frame.to_parquet(home / "baseline.parquet", index=False, compression="zstd")
    return len(frame)


def _measured(way: str, home: Path, fetch_id: str, results: Any) -> None:
    begin, cpu = time.perf_counter(), time.process_time()
    rows = WAYS[way](home, fetch_id)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results.put((rows, seconds, time.process_time() - cpu, peak))


WAYS = {"landing parser": ours, "dicts and pandas": dictionaries_and_pandas}


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=40, help="pages of 5,000 records (15,000 values)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each way; the median counts")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fetch_id, n_values, size = make_landing(home, options.pages)
        print(f"{options.pages} pages, {n_values:,} values, {size / 1e6:.0f} MB of JSON")
        medians: dict[str, float] = {}
        for way in WAYS:
            seconds, busy, peaks = [], [], []
            for _ in range(options.runs):
                results = context.Queue()
                process = context.Process(target=_measured, args=(way, home, fetch_id, results))
                process.start()
                rows, taken, cpu, peak = results.get()
                process.join()
                if rows != n_values:
                    raise SystemExit(f"{way}: expected {n_values} rows, found {rows}")
                seconds.append(taken)
                busy.append(cpu)
                peaks.append(peak)
            medians[way] = statistics.median(seconds)
            print(
                f"{way:<18} {medians[way]:7.2f} s   {n_values / medians[way]:>12,.0f} values/s   "
                f"{statistics.median(busy):6.2f} s CPU   peak {max(peaks):6.0f} MB"
            )
        ratio = medians["dicts and pandas"] / medians["landing parser"]
        print(f"the landing parser takes 1/{ratio:.1f} of the time (it also verifies, dedupes and hashes)")


if __name__ == "__main__":
    main()
