"""Faults of the machine become errors that say what to do; others stay what they are."""

import errno
import sqlite3
from pathlib import Path

import duckdb
import pytest

from ame_warehouse.errors import LandingError
from ame_warehouse.pipeline.faults import readable


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(number: int) -> None:
    error = readable(OSError(number, "No space left on device", "/data/x"))
    assert error is not None
    assert "full" in error.message
    assert error.source == "/data/x"
    assert "free space" in str(error.action)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_no_permission(number: int) -> None:
    error = readable(OSError(number, "not allowed", "/data/x"), Path("/data"))
    assert error is not None
    assert "may not be" in error.message
    assert error.source == "/data"


def test_what_a_library_wrapped_is_found() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as inner:
            raise RuntimeError("could not write") from inner
    except RuntimeError as outer:
        error = readable(outer)
    assert error is not None
    assert "full" in error.message


def test_texts_of_sqlite() -> None:
    full = readable(sqlite3.OperationalError("database or disk is full"))
    assert full is not None
    assert "full" in full.message
    refused = readable(sqlite3.OperationalError("attempt to write a readonly database"))
    assert refused is not None
    assert "may not be" in refused.message


def test_text_of_duckdb() -> None:
    error = readable(RuntimeError('IO Error: Could not write file "/data/x": No space left on device'))
    assert error is not None
    assert "full" in error.message


@pytest.mark.parametrize("content", [b"", b"PAR1" + bytes(5000)])
def test_damaged_observations(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "observations" / "source=kolada" / "fetch=x" / "observations.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(duckdb.Error) as caught:
        duckdb.connect().execute("select * from read_parquet([$path])", {"path": str(path)})
    error = readable(caught.value)
    assert error is not None
    assert error.source == str(path)
    assert "ame reparse" in str(error.action)


def test_a_readable_error_stays_the_same() -> None:
    original = LandingError("the landing cannot be written")
    assert readable(original) is original


@pytest.mark.parametrize(
    "other", [ZeroDivisionError("x"), FileNotFoundError(errno.ENOENT, "gone"), ValueError()]
)
def test_other_errors_are_not_explained_away(other: Exception) -> None:
    assert readable(other) is None
