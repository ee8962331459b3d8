"""The long form: one row per place, month, category and measure, raw names kept, every cell typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ame_warehouse.arbetsformedlingen.notes import Report
from ame_warehouse.arbetsformedlingen.schema import CODED, JOBSEEKERS
from ame_warehouse.arbetsformedlingen.text import Number

ROLE_COLUMNS = {
    "county": "county_raw",
    "municipality": "municipality_raw",
    "gender": "gender_raw",
    "age": "age_raw",
    "education": "education_raw",
    "birth": "birth_raw",
}
ROWS_PER_GROUP = 250_000


@dataclass(frozen=True)
class Frame:
    """A run of source rows as columns, all of one length.

    Args:
        row_no: number of each row in its sheet or cache.
        period: months (`YYYY-MM`), null where the cell is none.
        raw_period: what stood there, for the quarantine.
        dimensions: {role: texts}.
        others: {column name: texts} of further categories.
        measures: {canonical name: (codes, numbers)}: code of each row into the distinct numbers.
    """

    row_no: np.ndarray[Any, np.dtype[np.int64]]
    period: pa.DictionaryArray
    raw_period: Callable[[int], str]
    dimensions: Mapping[str, pa.DictionaryArray]
    others: Mapping[str, pa.DictionaryArray]
    measures: Mapping[str, tuple[np.ndarray[Any, Any], Sequence[Number]]]


class LongWriter:
    """Appends frames to one jobseekers.parquet; memory stays at one row group.

    Args:
        path: the file. It has the columns of `JOBSEEKERS`, also when nothing is appended.
    """

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, JOBSEEKERS, compression="zstd")
        self._held: list[pa.Table] = []
        self._rows = 0
        self.written = 0

    def append(self, table: pa.Table) -> None:
        """Add rows in the columns of `JOBSEEKERS`."""
        self._held.append(table)
        self._rows += table.num_rows
        if self._rows >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is held and finish the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._held:
            table = pa.concat_tables(self._held).unify_dictionaries()
            self._writer.write_table(table, row_group_size=ROWS_PER_GROUP)
            self.written += table.num_rows
        self._held, self._rows = [], 0


def constant(text: str | None, length: int) -> pa.DictionaryArray:
    """Return a column that says the same in every row (or nothing)."""
    if text is None:
        return pa.nulls(length, CODED)
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(length, np.int32)), pa.array([text]))


def joined(others: Mapping[str, pa.DictionaryArray], length: int) -> pa.DictionaryArray:
    """Return `NAME=value|NAME=value` of the further categories; null when there are none."""
    if not others:
        return constant(None, length)
    parts = []
    for name, column in others.items():
        texts = pa.array(
            [f"{name}={text if text is not None else ''}" for text in column.dictionary.to_pylist()],
            pa.string(),
        )
        codes = column.indices
        coded = pa.DictionaryArray.from_arrays(codes, texts)
        parts.append(pc.fill_null(coded.cast(pa.string()), f"{name}="))
    whole = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "|")
    return whole.dictionary_encode()


def to_long(
    frame: Frame, constants: Mapping[str, str | None], table: str, report: Report
) -> Iterable[pa.Table]:
    """Yield the long rows of a frame, one Arrow table per measure.

    Rows without a month and cells with a text that is neither number nor known marker go to the quarantine.
    """
    good = pc.is_valid(frame.period)
    if pc.any(pc.invert(good)).as_py():
        for at in np.flatnonzero(~good.to_numpy(zero_copy_only=False)):
            report.put_aside(table, int(frame.row_no[at]), "PERIOD", "no month", frame.raw_period(int(at)))
    usable = good.to_numpy(zero_copy_only=False)
    length = len(frame.row_no)
    other = joined(frame.others, length)
    for name, (codes, numbers) in frame.measures.items():
        known = np.fromiter((number.is_known for number in numbers), bool, len(numbers))
        keep = usable
        if not known.all():
            keep = usable & known[codes]
            for at in np.flatnonzero(usable & ~known[codes]):
                text = numbers[codes[at]].text or ""
                report.put_aside(table, int(frame.row_no[at]), name, "neither number nor known marker", text)
        if any(number.was_text for number in numbers):
            report.note(
                "number_as_text", "info", f"{table}: numbers as numbers", f"{name} holds numbers as text"
            )
        values = pa.array([number.value for number in numbers], pa.float64())
        texts = pa.array([number.text for number in numbers], pa.string())
        masks = pa.array([number.is_masked for number in numbers], pa.bool_())
        index = pa.array(codes)
        columns: dict[str, Any] = {
            **{column: constant(text, length) for column, text in constants.items()},
            "period": frame.period,
            **{
                column: frame.dimensions.get(role, constant(None, length))
                for role, column in ROLE_COLUMNS.items()
            },
            "other_raw": other,
            "measure_raw": constant(name, length),
            "value": values.take(index),
            "raw_text": texts.take(index).dictionary_encode(),
            "is_masked": masks.take(index),
            "row_no": pa.array(frame.row_no),
        }
        whole = pa.table([columns[one.name].cast(one.type) for one in JOBSEEKERS], schema=JOBSEEKERS)
        yield whole if keep.all() else whole.filter(pa.array(keep))
