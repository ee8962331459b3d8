"""Landing → observations: every cell of every file in use as one row; the same rows whenever it is read
again.

A file's rows are written once, by the first fetch that took it into use (`content_fetch_id`). A fetch that
changed nothing has no parsed files at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ame_warehouse.arbetsformedlingen.download import SOURCE, read_in_use
from ame_warehouse.arbetsformedlingen.layouts import Layout, layout_of
from ame_warehouse.arbetsformedlingen.long import LongWriter
from ame_warehouse.arbetsformedlingen.notes import LayoutError, Report
from ame_warehouse.arbetsformedlingen.objects import Workbooks
from ame_warehouse.arbetsformedlingen.release import InUse
from ame_warehouse.arbetsformedlingen.schema import FILES, FINDINGS, JOBSEEKERS, QUARANTINE, RUSTA_OCH_MATCHA
from ame_warehouse.arbetsformedlingen.workbook import read
from ame_warehouse.errors import DamagedError, LandingError
from ame_warehouse.landing.store import fetch_ids, read_fetch
from ame_warehouse.landing.tables import timestamp
from ame_warehouse.settings import Settings

MARK = "files.parquet"
KEY = (
    "sheet_or_cache, period, county_raw, municipality_raw, gender_raw, age_raw, education_raw, birth_raw, "
    "other_raw, measure_raw"
)


def fetch_dir(settings: Settings, fetch_id: str) -> Path:
    """Return where the parsed files of a fetch stand."""
    return settings.observations / f"source={SOURCE}" / f"fetch={fetch_id}"


def parsed_fetch_ids(settings: Settings) -> list[str]:
    """Return the ids of the parsed fetches, oldest first."""
    found = settings.observations.glob(f"source={SOURCE}/fetch=*/{MARK}")
    return sorted(path.parent.name.removeprefix("fetch=") for path in found)


def has_unparsed(settings: Settings) -> bool:
    """Return whether a fetch that brought something new was never parsed (its run ended in between)."""
    done = set(parsed_fetch_ids(settings))
    return any(
        read_fetch(settings.landing, fetch_id, SOURCE)["changed"]
        for fetch_id in fetch_ids(settings.landing, SOURCE)
        if fetch_id not in done
    )


def parse_fetches(settings: Settings, wanted: Sequence[str]) -> dict[str, int]:
    """Parse the wanted fetches and all that are not parsed yet, oldest first.

    Returns {"observations": rows written, "unchanged": files whose rows were known, "findings": rows,
    "skipped": wanted fetches that changed nothing}. Raises `LandingError` for an unknown fetch, a damaged
    landing, or when the files cannot be written.
    """
    known = fetch_ids(settings.landing, SOURCE)
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise LandingError(
            "a fetch to be parsed is not in the landing",
            expected="the id of a finished fetch",
            found=", ".join(unknown),
            source=str(settings.landing / SOURCE),
            action="run the fetch again",
        )
    total = {"observations": 0, "unchanged": 0, "findings": 0, "skipped": 0}
    done = set(parsed_fetch_ids(settings))
    for fetch_id in known:
        if fetch_id in done:
            continue
        fetch = read_fetch(settings.landing, fetch_id, SOURCE)
        if not fetch["changed"]:
            total["skipped"] += fetch_id in wanted
            continue
        for name, number in _Parser(settings, fetch).run().items():
            total[name] += number
    return total


class _Parser:
    """Parses one fetch into a directory of its own."""

    def __init__(self, settings: Settings, fetch: dict[str, Any]) -> None:
        self._settings = settings
        self._fetch = fetch
        self._id = str(fetch["fetch_id"])
        self._final = fetch_dir(settings, self._id)
        self._staged = self._final.with_name(f".partial-{self._id}")
        self._books = Workbooks(settings.landing)
        self._findings: list[dict[str, Any]] = []
        self._quarantine: list[dict[str, Any]] = []
        self._agreements: list[dict[str, Any]] = []
        self._parts: list[Path] = []

    def run(self) -> dict[str, int]:
        """Write the parsed files; return the figures of `parse_fetches`."""
        try:
            shutil.rmtree(self._staged, ignore_errors=True)
            (self._staged / "parts").mkdir(parents=True)
            for note in self._fetch["findings"]:
                self._finding(note)
            rows = [self._file(read_in_use(saved)) for saved in self._fetch["files"]]
            observations = self._write(rows)
            shutil.rmtree(self._staged / "parts")
            shutil.rmtree(self._final, ignore_errors=True)
            self._staged.rename(self._final)
        except (OSError, duckdb.IOException) as exc:
            raise LandingError(
                "the parsed observations cannot be written",
                expected="a writable directory with free space",
                found=getattr(exc, "strerror", None) or str(exc),
                source=str(self._final),
                action="free space or correct the permissions of AME_HOME, then run again",
            ) from exc
        own = sum(row["content_fetch_id"] not in (None, self._id) for row in rows)
        return {"observations": observations, "unchanged": own, "findings": len(self._findings)}

    def _file(self, used: InUse) -> dict[str, Any]:
        """Return the row of files.parquet for a slot, after reading its file if its rows are not known
        yet.
        """
        if used.file_sha256 is None:
            return self._row(used)
        if used.content_fetch_id != self._id:
            holder = self._reader(used)
            if holder is not None:
                used.content_fetch_id = holder
                return self._row(used)
            used.content_fetch_id = self._id  # it could not be read when it came: perhaps it can be now
        kind, found, detail = "refused_file", "refused", ""
        try:
            self._read(used, layout_of(used.dataset))
        except LayoutError as fault:
            detail = str(fault)
        except DamagedError as fault:
            kind, found, detail = "damaged_file", "the stored file is damaged", str(fault)
        else:
            return self._row(used)
        self._finding(
            {
                "kind": kind,
                "severity": "error",
                "expected": f"{used.file_name}: usable",
                "found": found,
                "detail": detail,
            }
        )
        return self._row(self._fall_back(used, detail))

    def _reader(self, used: InUse) -> str | None:
        """Return the fetch that holds the rows of a file: the one that should, else the newest that does."""
        others = [one for one in reversed(parsed_fetch_ids(self._settings)) if one < self._id]
        said = str(used.content_fetch_id)
        return next((one for one in [said, *others] if self._was_read(used, one)), None)

    def _read(self, used: InUse, layout: Layout) -> None:
        path = self._books.verified(str(used.file_sha256), str(used.suffix))
        constants = {"fetch_id": self._id, "file_sha256": used.file_sha256, "dataset": used.dataset}
        part = self._staged / "parts" / f"{len(self._parts):03d}.parquet"
        writer = LongWriter(part)
        try:
            agreements, report = read(path, layout, str(used.suffix), constants, writer)
        except BaseException:
            writer.close()
            part.unlink(missing_ok=True)
            raise
        writer.close()
        self._judge(part, used, agreements, report)
        self._agreements += agreements
        self._parts.append(part)
        for note in report.notes:
            self._finding(note.as_dict(), f"{used.dataset}, {used.file_name}")
        self._quarantine += [
            {"fetch_id": self._id, "file_sha256": used.file_sha256, "dataset": used.dataset, **one}
            for one in report.quarantine
        ]

    def _judge(self, part: Path, used: InUse, agreements: list[dict[str, Any]], report: Report) -> None:
        """Note a last month that differs from the file name's, and keys that occur twice."""
        if agreements:
            last, twice = max(one["period"] for one in agreements), 0
        else:
            connection = self._connect()
            try:
                found = connection.execute(
                    "select max(period) from read_parquet($part)", {"part": str(part)}
                ).fetchone()
                last = found[0] if found else None
                row = connection.execute(
                    "select count(*) from (select 1 from read_parquet($part)"  # noqa: S608 - a constant
                    f" group by {KEY} having count(*) > 1)",
                    {"part": str(part)},
                ).fetchone()
                twice = int(row[0]) if row else 0
            finally:
                connection.close()
        if last != used.period_last:
            report.note("period_mismatch", "warning", f"last month {used.period_last}", f"last month {last}")
        if twice:
            report.note(
                "duplicate_key",
                "warning",
                "every place, month and category once",
                f"{twice} of them more than once",
            )

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        spill = str(self._staged / "parts").replace("'", "''")
        connection.execute(f"set memory_limit = '{self._settings.memory_limit}'")
        connection.execute(f"set temp_directory = '{spill}'")
        return connection

    def _was_read(self, used: InUse, holder: str) -> bool:
        path = fetch_dir(self._settings, holder) / MARK
        if not path.is_file():
            return False
        return any(
            one["dataset"] == used.dataset
            and one["file_sha256"] == used.file_sha256
            and one["content_fetch_id"] == holder
            for one in pq.read_table(path).to_pylist()
        )

    def _fall_back(self, used: InUse, error: str) -> InUse:
        """Return the newest file before this one that could be read, marked stale."""
        for fetch_id in reversed(parsed_fetch_ids(self._settings)):
            if fetch_id >= self._id:
                continue
            fetch = read_fetch(self._settings.landing, fetch_id, SOURCE)
            if fetch["mode"] != self._fetch["mode"] or fetch["fetched_at"] > self._fetch["fetched_at"]:
                continue
            for saved in fetch["files"]:
                old = read_in_use(saved)
                other = old.slot == used.slot and old.file_sha256 not in (None, used.file_sha256)
                if other and self._was_read(old, str(old.content_fetch_id)):
                    old.outcome, old.error, old.is_stale = "refused", error, True
                    return old
        return InUse(used.dataset, used.slot, "refused", error)

    def _row(self, used: InUse) -> dict[str, Any]:
        fetch, layout = self._fetch, layout_of(used.dataset)
        return {
            "fetch_id": self._id,
            "source": SOURCE,
            "mode": fetch["mode"],
            "fetched_at": timestamp(fetch["fetched_at"]),
            "retrieved_at": timestamp(fetch["started_at"]),
            "vintage": fetch["vintage"] or fetch["fetched_at"][:10],
            "dataset": used.dataset,
            "file_name": used.file_name,
            "period_last": used.period_last,
            "url": used.url,
            "file_sha256": used.file_sha256,
            "content_fetch_id": used.content_fetch_id,
            "outcome": used.outcome,
            "error": used.error,
            "is_stale": used.is_stale,
            "bytes": used.bytes,
            "denominator": layout.denominator,
            "title": layout.title,
        }

    def _finding(self, note: dict[str, Any], where: str | None = None) -> None:
        detail = ": ".join(text for text in (where, note["detail"]) if text)
        self._findings.append(
            {
                "fetch_id": self._id,
                "fetched_at": timestamp(self._fetch["fetched_at"]),
                **dict.fromkeys(("kpi_id", "municipality_id", "year", "gender")),
                **{name: note[name] for name in ("kind", "severity", "expected", "found")},
                "detail": detail or None,
            }
        )

    def _write(self, rows: list[dict[str, Any]]) -> int:
        """Write all parsed files; return the number of observations."""
        long = self._staged / "jobseekers.parquet"
        if self._parts:
            connection = self._connect()
            try:
                target = str(long).replace("'", "''")
                connection.execute(
                    f"copy (select * from read_parquet($parts)) to '{target}'"  # noqa: S608 - our own path
                    " (format parquet, compression zstd)",
                    {"parts": [str(part) for part in self._parts]},
                )
            finally:
                connection.close()
        else:
            _write_rows([], JOBSEEKERS, long)
        _write_rows(rows, FILES, self._staged / MARK, ("dataset", "period_last"))
        _write_rows(
            self._agreements,
            RUSTA_OCH_MATCHA,
            self._staged / "rusta_och_matcha.parquet",
            ("period", "file_sha256", "ka_number"),
        )
        by_text = ("kind", "severity", "expected", "found", "detail")
        _write_rows(self._findings, FINDINGS, self._staged / "findings.parquet", by_text)
        by_place = ("dataset", "sheet_or_cache", "column_name")
        _write_rows(self._quarantine, QUARANTINE, self._staged / "quarantine.parquet", by_place)
        return int(pq.ParquetFile(long).metadata.num_rows) + len(self._agreements)


def _write_rows(rows: list[dict[str, Any]], schema: pa.Schema, path: Path, order: Sequence[str] = ()) -> None:
    ordered = sorted(rows, key=lambda row: tuple(str(row[name] or "") for name in order))
    pq.write_table(pa.Table.from_pylist(ordered, schema=_plain(schema)), path, compression="zstd")


def _plain(schema: pa.Schema) -> pa.Schema:
    """Return a schema with text instead of coded text."""
    return pa.schema(
        [(one.name, pa.string() if pa.types.is_dictionary(one.type) else one.type) for one in schema]
    )
