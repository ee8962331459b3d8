"""Publication: whole or not at all, the same bytes for the same values, an old storage version."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.duckdb_files import storage_version

from ame_warehouse.errors import PublishError
from ame_warehouse.publish import checksum as rules
from ame_warehouse.publish import manifest as manifests
from ame_warehouse.publish import publisher
from ame_warehouse.publish.checksum import checksum
from ame_warehouse.publish.publisher import Publication
from ame_warehouse.settings import Settings

NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", project=tmp_path / "no_git")


def candidate(settings: Settings, version: str, rows: int = 5) -> Publication:
    """Make a candidate with two marts, a view, a quality table and things that are not published."""
    settings.build.mkdir(parents=True, exist_ok=True)
    path = settings.build / f"{version}.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create schema marts; create schema quality; create schema staging")
        con.execute(
            "create table marts.participants as select lpad(i::varchar, 4, '0') as municipality_id, "
            "2022 as year, case when i % 3 > 0 then i / 7 end as participants, sum(i) over () as total, "
            "[i, null] as ids, "
            f"timestamp '2024-01-01 10:00:00' as fetched_at from range({rows}) as numbers (i) order by i desc"
        )
        con.execute("create table marts.empty (municipality_id varchar not null, value double)")
        con.execute("create view marts.old_name as select * from marts.participants")
        con.execute("create table quality.gaps as select 'Ånge' as municipality, 'i.u.' as shown_as")
        con.execute("create table staging.private as select 1 as secret")
        con.execute("comment on table marts.participants is 'one row per municipality''s year'")
        con.execute("comment on column marts.participants.participants is 'persons'")
    return Publication(version, "fp-" + version, path, NOW)


def published_rows(settings: Settings) -> int:
    with duckdb.connect(str(settings.published / "warehouse.duckdb"), read_only=True) as con:
        row = con.execute("select count(*) from marts.participants").fetchone()
    assert row
    return int(row[0])


def parquet_rows(settings: Settings) -> int:
    path = settings.published / "parquet" / "marts" / "participants.parquet"
    with duckdb.connect() as con:
        row = con.execute("select count(*) from read_parquet(?)", [str(path)]).fetchone()
    assert row
    return int(row[0])


def test_what_is_published(settings: Settings) -> None:
    body = publisher.publish(settings, candidate(settings, "v1"))
    assert set(body["tables"]) == {"marts.participants", "marts.empty", "marts.old_name", "quality.gaps"}
    assert body["row_counts"]["marts.participants"] == 5
    assert body["row_counts"]["marts.empty"] == 0
    assert body["git_revision"] is None
    assert body["stale"] is False
    assert manifests.read_manifest(settings) == body
    with duckdb.connect(str(settings.published / "warehouse.duckdb"), read_only=True) as con:
        schemas = {row[0] for row in con.execute("select schema_name from duckdb_tables()").fetchall()}
        comments = con.execute(
            "select comment from duckdb_tables() where comment is not null "
            "union all select comment from duckdb_columns() where comment is not null order by all"
        ).fetchall()
        first = con.execute(
            "select municipality_id, participants from marts.participants order by all"
        ).fetchone()
    assert schemas == {"marts", "quality"}
    assert comments == [("one row per municipality's year",), ("persons",)]
    assert first == ("0000", None)
    assert parquet_rows(settings) == 5
    assert publisher.is_intact(settings)
    assert not list(settings.published.glob(".*"))


def test_the_file_has_the_old_storage_version(settings: Settings) -> None:
    publisher.publish(settings, candidate(settings, "v1"))
    assert storage_version(settings.published / "warehouse.duckdb") == 64
    new = settings.build / "new.duckdb"
    duckdb.connect(str(new)).close()
    assert storage_version(new) != 64, "else the test above would prove nothing"


def test_the_same_values_give_the_same_checksums_whatever_the_layout(settings: Settings) -> None:
    first = publisher.publish(settings, candidate(settings, "v1"))
    second_candidate = candidate(settings, "v2")
    with duckdb.connect(str(second_candidate.candidate)) as con:
        con.execute("create table marts.other as select * from marts.participants order by municipality_id")
        con.execute("drop view marts.old_name; drop table marts.participants")
        con.execute("alter table marts.other rename to participants")
        con.execute("create view marts.old_name as select * from marts.participants")
    second = publisher.publish(settings, second_candidate)
    assert first["tables"] == second["tables"]


@pytest.mark.parametrize(
    "change",
    [
        "update t set v = 2 where i = 1",
        "update t set v = null where i = 1",
        "update t set s = '' where i = 1",
        "delete from t where i = 1",
        "insert into t from t where i = 1",
        "update t set s = 'ab', r = 'c' where i = 2",
    ],
)
def test_a_checksum_sees_every_change(change: str) -> None:
    with duckdb.connect() as con:
        con.execute(
            "create table t as select i, i::double as v, case i when 1 then null else 'a' end as s, "
            "'bc' as r from range(3) as n (i)"
        )
        before = checksum(con, "t")
        con.execute(change)
        assert checksum(con, "t") != before


def test_a_checksum_does_not_see_noise_of_floating_point_sums_or_row_order() -> None:
    with duckdb.connect() as con:
        con.execute("create table t as select i, 0.1::double + 0.2::double as v from range(1000) as n (i)")
        con.execute("create table u as select i, 0.3::double as v from range(1000) as n (i) order by hash(i)")
        assert checksum(con, "t") == checksum(con, "u")
        con.execute("create table z as select -0.0::double as v")
        con.execute("create table y as select 0.0::double as v")
        assert checksum(con, "z") == checksum(con, "y")


def test_checksum_of_a_million_rows_in_little_memory() -> None:
    with duckdb.connect(config={"memory_limit": "300MB"}) as con:
        con.execute("create table t as select i, i / 7 as v, 'x' || i as s from range(1000000) as n (i)")
        rows, digest = checksum(con, "t")
    assert rows == 1_000_000
    assert len(digest) == 64


def test_columns_that_tell_of_the_run_are_not_in_the_manifest_checksum(settings: Settings) -> None:
    bodies = []
    for version, when in (("v1", "2026-01-01"), ("v2", "2026-02-02")):
        publication = candidate(settings, version)
        with duckdb.connect(str(publication.candidate)) as con:
            con.execute(
                f"create table quality.check_results as select '{version}' as run_id, 'c' as check_id, "
                f"timestamp '{when}' as ran_at, true as success"
            )
        bodies.append(publisher.publish(settings, publication))
    entries = [body["tables"]["quality.check_results"] for body in bodies]
    assert entries[0] == entries[1]
    assert entries[0]["checksum_without"] == ["run_id", "ran_at", "docs_page"]


def dies(*_args: object, **_kwargs: object) -> None:
    raise KeyboardInterrupt("killed")


@pytest.mark.parametrize(
    "step", ["_stage", "_copy", "_compare", "_copy_comments", "_manifest", "sync_tree", "swap_names"]
)
def test_a_publication_that_is_killed_leaves_the_old_version(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    old = publisher.publish(settings, candidate(settings, "v1", 5))
    with monkeypatch.context() as patch:
        patch.setattr(publisher, step, dies)
        with pytest.raises(KeyboardInterrupt):
            publisher.publish(settings, candidate(settings, "v2", 9))
    assert manifests.read_manifest(settings) == old
    assert (published_rows(settings), parquet_rows(settings)) == (5, 5)
    assert publisher.is_intact(settings)
    body = publisher.publish(settings, candidate(settings, "v3", 9))
    assert manifests.read_manifest(settings) == body
    assert (published_rows(settings), parquet_rows(settings)) == (9, 9)
    assert not list(settings.published.glob(".*"))


@pytest.mark.parametrize("name", ["warehouse.duckdb", "parquet", "manifest.json"])
def test_a_publication_that_is_killed_between_the_names_is_repaired_by_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    publisher.publish(settings, candidate(settings, "v1", 5))
    replace = Path.replace

    def dies_at(self: Path, target: Path) -> Path:
        if Path(target) == settings.published / name:
            raise KeyboardInterrupt("killed")
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dies_at)
        with pytest.raises(KeyboardInterrupt):
            publisher.publish(settings, candidate(settings, "v2", 9))
    assert published_rows(settings) == (5 if name == "warehouse.duckdb" else 9), "always a complete file"
    assert parquet_rows(settings) in {5, 9}
    assert publisher.is_intact(settings) == (name == "warehouse.duckdb")
    publisher.publish(settings, candidate(settings, "v3", 9))
    assert publisher.is_intact(settings)
    assert (published_rows(settings), parquet_rows(settings)) == (9, 9)
    assert not list(settings.published.glob(".*"))


def test_what_a_killed_process_left_is_removed(settings: Settings) -> None:
    publisher.publish(settings, candidate(settings, "v1", 5))
    left = settings.published / ".staging-v2" / "parquet"
    left.mkdir(parents=True)
    (settings.published / ".swap-warehouse").write_bytes(b"half")
    (settings.published / ".swap-parquet").symlink_to("nowhere")
    publisher.publish(settings, candidate(settings, "v3", 9))
    assert not list(settings.published.glob(".*"))
    assert (published_rows(settings), parquet_rows(settings)) == (9, 9)


def test_an_open_reader_keeps_its_version_and_the_next_sees_the_new(settings: Settings) -> None:
    publisher.publish(settings, candidate(settings, "v1", 5))
    warehouse = str(settings.published / "warehouse.duckdb")
    with duckdb.connect(warehouse, read_only=True) as reader:
        publisher.publish(settings, candidate(settings, "v2", 9))
        assert reader.execute("select count(*) from marts.participants").fetchone() == (5,)
    assert published_rows(settings) == 9


def test_three_versions_are_kept(settings: Settings) -> None:
    for n in range(5):
        publisher.publish(settings, candidate(settings, f"2026010{n}", n + 1))
    kept = sorted(path.name for path in (settings.published / "versions").iterdir())
    assert kept == ["20260102", "20260103", "20260104"]
    with duckdb.connect(
        str(settings.published / "versions" / "20260102" / "warehouse.duckdb"), read_only=True
    ) as con:
        assert con.execute("select count(*) from marts.participants").fetchone() == (3,)
    assert (
        json.loads((settings.published / "versions/20260102/manifest.json").read_text())["version"]
        == "20260102"
    )


def test_the_same_version_can_be_published_twice(settings: Settings) -> None:
    publication = candidate(settings, "v1")
    first = publisher.publish(settings, publication)
    again = publisher.publish(settings, publication)
    assert again["tables"] == first["tables"]
    assert publisher.is_intact(settings)


def test_a_copy_that_differs_is_not_published(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old = publisher.publish(settings, candidate(settings, "v1", 5))
    copy = publisher._copy

    def spoils(con: duckdb.DuckDBPyConnection, schema: str, table: str, parquet: Path) -> None:
        copy(con, schema, table, parquet)
        if table == "participants":
            con.execute("update published.marts.participants set year = 2023 where municipality_id = '0003'")

    monkeypatch.setattr(publisher, "_copy", spoils)
    with pytest.raises(PublishError, match=r"marts\.participants differs from the candidate"):
        publisher.publish(settings, candidate(settings, "v2", 5))
    assert manifests.read_manifest(settings) == old


def test_a_spoiled_parquet_copy_is_not_published(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = publisher._copy

    def spoils(con: duckdb.DuckDBPyConnection, schema: str, table: str, parquet: Path) -> None:
        copy(con, schema, table, parquet)
        if table == "participants":
            con.execute(f"copy (from published.marts.participants limit 4) to '{parquet}' (format parquet)")

    monkeypatch.setattr(publisher, "_copy", spoils)
    with pytest.raises(PublishError, match=r"Parquet copy of marts\.participants differs"):
        publisher.publish(settings, candidate(settings, "v1", 5))
    assert manifests.read_manifest(settings) is None


def test_full_disk_is_one_readable_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old = publisher.publish(settings, candidate(settings, "v1", 5))

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device", str(settings.published))

    monkeypatch.setattr(publisher, "sync_tree", full)
    with pytest.raises(PublishError) as caught:
        publisher.publish(settings, candidate(settings, "v2", 9))
    assert "free space" in (caught.value.action or "")
    assert manifests.read_manifest(settings) == old
    assert published_rows(settings) == 5
    assert not list(settings.published.glob(".*"))


def test_a_place_that_cannot_be_written_is_one_readable_error(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    settings.published.write_text("a file where a directory should be")
    with pytest.raises(PublishError) as caught:
        publisher.publish(settings, candidate(settings, "v1"))
    assert str(settings.published) in str(caught.value)
    assert caught.value.action


def test_a_candidate_without_marts_is_not_published(settings: Settings) -> None:
    settings.build.mkdir(parents=True)
    path = settings.build / "x.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(PublishError, match="no marts"):
        publisher.publish(settings, Publication("x", "f", path, NOW))
    with pytest.raises(PublishError, match="no candidate"):
        publisher.publish(settings, Publication("y", "f", settings.build / "y.duckdb", NOW))
    assert not settings.published.joinpath("manifest.json").exists()


def test_a_parquet_directory_restored_from_a_backup_is_replaced(settings: Settings) -> None:
    publisher.publish(settings, candidate(settings, "v1", 5))
    link = settings.published / "parquet"
    target = link.resolve()
    link.unlink()
    shutil.copytree(target, link)
    publisher.publish(settings, candidate(settings, "v2", 9))
    assert link.is_symlink()
    assert parquet_rows(settings) == 9


def test_damage_is_seen(settings: Settings) -> None:
    assert not publisher.is_intact(settings)
    publisher.publish(settings, candidate(settings, "v1"))
    duckdb.connect(str(settings.published / "warehouse.duckdb")).close()
    assert publisher.is_intact(settings), "opening for writing without writing is no damage"
    gaps = settings.published / "parquet" / "quality" / "gaps.parquet"
    body = gaps.read_bytes()
    gaps.write_bytes(body[:-12] + b"x" * 12)
    assert not publisher.is_intact(settings), "another content of the same size"
    gaps.write_bytes(body)
    assert publisher.is_intact(settings)
    gaps.unlink()
    assert not publisher.is_intact(settings)


def test_stale_and_fresh_change_the_manifest_only(settings: Settings) -> None:
    assert manifests.mark_stale(settings, "nothing there", NOW) is None
    body = publisher.publish(settings, candidate(settings, "v1"))
    inode = (settings.published / "warehouse.duckdb").stat().st_ino
    manifests.mark_stale(settings, "a check failed", "2026-01-02T00:00:00Z")
    again = manifests.mark_stale(settings, "still", "2026-01-03T00:00:00Z")
    assert again is not None
    assert (again["stale"], again["stale_since"], again["stale_reason"]) == (
        True,
        "2026-01-02T00:00:00Z",
        "still",
    )
    assert again["tables"] == body["tables"]
    assert manifests.refresh_sources(settings) == body
    assert manifests.read_manifest(settings) == body
    assert (settings.published / "warehouse.duckdb").stat().st_ino == inode


def test_an_unreadable_manifest_counts_as_none(settings: Settings) -> None:
    settings.published.mkdir(parents=True)
    manifests.manifest_path(settings).write_text("{half", encoding="utf-8")
    assert manifests.read_manifest(settings) is None
    assert not publisher.is_intact(settings)


def test_a_checksum_is_computed_again_only_when_the_table_has_changed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []

    def noted(con: duckdb.DuckDBPyConnection, relation: str, **options: Any) -> tuple[int, str]:
        computed.append(relation)
        return checksum(con, relation, **options)

    monkeypatch.setattr(rules, "checksum", noted)
    first = publisher.publish(settings, candidate(settings, "v1"))
    assert len(computed) == 4
    computed.clear()
    again = publisher.publish(settings, candidate(settings, "v2"))
    assert computed == []
    assert again["tables"] == first["tables"]
    changed = candidate(settings, "v3")
    with duckdb.connect(str(changed.candidate)) as con:
        con.execute("update marts.participants set participants = 0.1 + 0.2 where participants is null")
        con.execute("alter table quality.gaps alter shown_as type varchar[] using [shown_as]")
    third = publisher.publish(settings, changed)
    assert computed == [
        f"published.{name}" for name in ('marts."old_name"', 'marts."participants"', 'quality."gaps"')
    ]
    (settings.build / "checksums.json").unlink()
    assert publisher.publish(settings, changed)["tables"] == third["tables"]


@pytest.mark.parametrize("what", ["duckdb", "rule", "digest", "nonsense"])
def test_a_checksum_that_was_made_otherwise_is_not_taken(settings: Settings, what: str) -> None:
    first = publisher.publish(settings, candidate(settings, "v1"))
    path = settings.build / "checksums.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    for entry in body["tables"].values():
        entry["checksum"] = "0" * 64
        if what == "digest":
            entry["key"]["digest"] = "1"
    if what in body["made_by"]:
        body["made_by"][what] = "another"
    path.write_text("[" if what == "nonsense" else json.dumps(body), encoding="utf-8")
    assert publisher.publish(settings, candidate(settings, "v2"))["tables"] == first["tables"]
