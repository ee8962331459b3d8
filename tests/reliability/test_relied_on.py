"""What the warehouse relies on in the system and in DuckDB: a new version cannot change it unseen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.duckdb_files import storage_version
from tests.reliability.conftest import SmallWorld

from ame_warehouse.publish import names
from ame_warehouse.publish.publisher import STORAGE_VERSION

OTHER = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'r').execute('select 1')"


def make(path: Path, number: int) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute(f"create table t as select {number} as a")


def other(path: Path, how: str) -> subprocess.CompletedProcess[str]:
    """Open a DuckDB file in another process."""
    command = [sys.executable, "-c", OTHER, str(path), how]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_replaced_file_stays_whole_for_who_has_it_open(tmp_path: Path) -> None:
    """`os.replace` is one step; the old file lives until its last reader closes it."""
    make(tmp_path / "a", 1)
    make(tmp_path / "b", 2)
    with duckdb.connect(str(tmp_path / "a"), read_only=True) as con:
        (tmp_path / "b").replace(tmp_path / "a")
        assert con.execute("select a from t").fetchall() == [(1,)]
    with duckdb.connect(str(tmp_path / "a"), read_only=True) as con:
        assert con.execute("select a from t").fetchall() == [(2,)]


def test_duckdb_allows_one_writer_or_many_readers(tmp_path: Path) -> None:
    """Therefore candidates are private files, and what readers open is never opened for writing."""
    path = tmp_path / "a.duckdb"
    make(path, 1)
    with duckdb.connect(str(path)):
        assert "lock" in other(path, "r").stderr
        assert "lock" in other(path, "w").stderr
    with duckdb.connect(str(path), read_only=True):
        assert other(path, "r").returncode == 0
        assert "lock" in other(path, "w").stderr


def test_the_storage_version_is_one_that_older_clients_open(world: SmallWorld) -> None:
    assert STORAGE_VERSION == "v1.0.0"
    assert storage_version(world.base / "published" / "warehouse.duckdb") == 64


def test_two_names_of_one_file_are_renamed_to_nothing(tmp_path: Path) -> None:
    """POSIX: a rename between two hard links does nothing, and leaves both names."""
    (tmp_path / "a").write_text("x", encoding="utf-8")
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").replace(tmp_path / "b")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_everything_is_on_the_disk_before_its_name_changes(world: SmallWorld) -> None:
    """Before a rename that readers see stands an fsync of the same file, or of all in the directory."""
    synced: set[str] = set()
    renamed: list[str] = []
    for event, path in world.operations:
        if event == "os.fsync":
            synced.add(path)
        elif event in ("os.rename", "os.link") and path.startswith(("published/", "landing/")):
            renamed.append(path)
            staged = path if event == "os.rename" else None
            is_link = path.endswith(".swap-parquet")  # a symbolic link: to a directory that is synced
            whole = staged in synced or is_link or any(one.startswith(f"{staged}/") for one in synced)
            assert event == "os.link" or whole, path
    assert len(renamed) >= 6
    version = next(path for path in renamed if "/.staging-" in path and "manifest" not in path)
    for name in ("warehouse.duckdb", "manifest.json", "parquet/marts/participants.parquet", "parquet"):
        assert f"{version}/{name}" in synced
    assert "published/versions" in synced
    assert "published" in synced


def test_a_disk_without_hard_links_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    target = tmp_path / "versions" / "v1"
    (target / "parquet").mkdir(parents=True)
    make(target / "warehouse.duckdb", 1)
    names.swap_names(tmp_path, target)
    assert (tmp_path / "warehouse.duckdb").read_bytes() == (target / "warehouse.duckdb").read_bytes()
    assert (tmp_path / "warehouse.duckdb").stat().st_ino != (target / "warehouse.duckdb").stat().st_ino
    assert (tmp_path / "parquet").readlink() == Path("versions/v1/parquet")
