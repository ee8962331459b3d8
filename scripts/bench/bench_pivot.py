"""How fast a large pivot workbook is read, and with how much memory, against a plain iterparse of the same
XML.

    python scripts/bench/bench_pivot.py [--records 9700000] [--file workbook.xlsx] [--keep] [--json]

Each reader runs in a process of its own; memory is the peak resident size of that process, CPU its own
time with imports (compare CPU when the machine is busy). The baseline
goes through the same records with `xml.etree.ElementTree.iterparse`, clears every element, and does nothing
else with them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RECORDS = 9_700_000
READERS = ("guard", "columns", "parquet", "iterparse")
FASTEST_ALLOWED, MOST_MB = 150_000, 600


def baseline(path: Path) -> int:
    """Go through all records with iterparse; return their number."""
    from xml.etree.ElementTree import iterparse

    records = 0
    with zipfile.ZipFile(path) as archive:
        part = next(
            name for name in archive.namelist() if "pivotCacheRecords" in name and "_rels" not in name
        )
        with archive.open(part) as stream:
            events = iterparse(stream, events=("start", "end"))
            _, root = next(events)
            for event, element in events:
                if event == "end" and element.tag.endswith("}r"):
                    records += 1
                    root.clear()
    return records


def columns(path: Path) -> int:
    """Read all records into columns, piece by piece; return their number."""
    from ame_warehouse.arbetsformedlingen.pivot import iter_records
    from ame_warehouse.arbetsformedlingen.pivot_definition import read_caches

    with zipfile.ZipFile(path) as archive:
        cache = read_caches(archive)[0]
        return sum(len(piece[0]) for piece in iter_records(archive, cache))


def parquet(path: Path) -> int:
    """Read the workbook as the pipeline does, into the long form; return the number of rows."""
    from ame_warehouse.arbetsformedlingen.layouts import Layout, layout_of
    from ame_warehouse.arbetsformedlingen.long import LongWriter
    from ame_warehouse.arbetsformedlingen.workbook import read

    known = layout_of("sok_lan_kom")
    layout = Layout("bench", "bench", "bench", "pivot", known.tables[:1])
    with tempfile.TemporaryDirectory() as folder:
        writer = LongWriter(Path(folder) / "long.parquet")
        constants: dict[str, str | None] = {"fetch_id": "f", "file_sha256": "0" * 64, "dataset": "bench"}
        read(path, layout, "xlsx", constants, writer)
        writer.close()
        return writer.written


def guard(path: Path) -> int:
    """Inflate and check every part, as is done once for every new file; return nothing of interest."""
    from ame_warehouse.arbetsformedlingen.guard import inspect_workbook

    inspect_workbook(path, str(path))
    return 0


def measure(reader: str, path: Path) -> dict[str, Any]:
    """Run one reader in this process."""
    run = {"iterparse": baseline, "columns": columns, "parquet": parquet, "guard": guard}[reader]
    begin = time.perf_counter()
    records = run(path)
    seconds = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "reader": reader,
        "records": records,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }


def make(path: Path, records: int) -> None:
    """Write the workbook."""
    from ame_warehouse.sample.af_workbooks import big_pivot

    big_pivot(path, records)


def main() -> int:
    """Run all readers and print a table; status 1 when ours is too slow or too large."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the workbook that was made")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        print(json.dumps(measure(options.reader, options.file)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "big.xlsx"
        if not path.exists():
            make(path, options.records)
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        found = []
        for reader in READERS:
            command = [sys.executable, __file__, "--reader", reader, "--file", str(path)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append(json.loads(answer.stdout))
        size = path.stat().st_size
        records = next(one["records"] for one in found if one["reader"] == "columns")
        for one in found:
            one["records_per_s"] = round(records / one["seconds"])
        result = {"file_mb": round(size / 1e6, 1), "xml_mb": round(unpacked / 1e6), "readers": found}
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        print(f"workbook {result['file_mb']} MB, {result['xml_mb']} MB of XML, {records:,} records")
        for one in found:
            print(
                f"  {one['reader']:<10} {one['seconds']:>7.2f} s  {one['records_per_s']:>9,} records/s  "
                f"CPU {one['cpu_seconds']:>7.2f} s  peak {one['peak_mb']:>5} MB"
            )
    ours = next(one for one in found if one["reader"] == "parquet")
    return 0 if ours["records_per_s"] >= FASTEST_ALLOWED and ours["peak_mb"] <= MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
