"""The landing keeps answers byte for byte, and shows a fetch only when it is whole."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from ame_warehouse.errors import LandingError
from ame_warehouse.landing.store import (
    FetchWriter,
    Objects,
    fetch_ids,
    new_fetch_id,
    read_fetch,
    read_requests,
    remove_partials,
)

BODY = '{"values": [],\r\n "next_url": null, "count": 0, "ort": "Göteborg"}'.encode()


def test_fetch_ids_sort_by_time() -> None:
    early = new_fetch_id(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC))
    late = new_fetch_id(datetime(2026, 1, 2, 3, 4, 5, 7, tzinfo=UTC))
    assert early.startswith("20260102T030405000006Z-")
    assert len(early) == len("20260102T030405000006Z-") + 6
    assert early < late


def test_a_body_is_kept_byte_for_byte_and_once(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    sha256 = objects.put(BODY)
    assert sha256 == hashlib.sha256(BODY).hexdigest()
    path = objects.path(sha256)
    assert path == tmp_path / "objects" / sha256[:2] / f"{sha256}.json.zst"
    assert zstandard.ZstdDecompressor().decompress(path.read_bytes()) == BODY
    written = path.stat().st_mtime_ns
    assert objects.put(BODY) == sha256
    assert path.stat().st_mtime_ns == written
    assert objects.get(sha256) == BODY
    assert [one.name for one in path.parent.iterdir()] == [path.name], "no temporary file is left"


@pytest.mark.parametrize("damage", ["cut", "other", "gone", "rubbish"])
def test_a_damaged_body_is_named(damage: str, tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    sha256 = objects.put(BODY)
    path = objects.path(sha256)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-4])
    elif damage == "other":
        path.write_bytes(zstandard.ZstdCompressor().compress(BODY + b" "))
    elif damage == "rubbish":
        path.write_bytes(b"rubbish")
    else:
        path.unlink()
    with pytest.raises(LandingError, match="damaged") as caught:
        objects.get(sha256)
    assert str(path) in str(caught.value)
    assert "backup" in str(caught.value)


def test_a_fetch_is_seen_only_when_finished(tmp_path: Path) -> None:
    writer = FetchWriter(tmp_path, "20260102T030405000006Z-abcdef")
    writer.record({"url": "http://x/kpi", "status": 200})
    writer.record({"url": "http://x/kpi", "status": 500})
    assert fetch_ids(tmp_path) == []
    path = writer.finish({"fetch_id": writer.fetch_id, "measures": []})
    assert path == tmp_path / "kolada" / writer.fetch_id
    assert sorted(one.name for one in path.iterdir()) == ["fetch.json", "requests.jsonl"]
    assert fetch_ids(tmp_path) == [writer.fetch_id]
    assert read_fetch(tmp_path, writer.fetch_id)["measures"] == []
    assert [(one["n"], one["status"]) for one in read_requests(tmp_path, writer.fetch_id)] == [
        (1, 200),
        (2, 500),
    ]


def test_a_killed_fetch_stays_out_of_sight_until_removed(tmp_path: Path) -> None:
    writer = FetchWriter(tmp_path, "20260102T030405000006Z-abcdef")
    writer.record({"url": "http://x/kpi"})
    writer.close()
    assert fetch_ids(tmp_path) == []
    assert remove_partials(tmp_path) == [writer.fetch_id]
    assert remove_partials(tmp_path) == []
    assert list((tmp_path / "kolada").iterdir()) == []


def test_an_unreadable_fetch_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "kolada" / "20260102T030405000006Z-abcdef"
    folder.mkdir(parents=True)
    for text in (None, "{", '{"fetch_id": "another"}', "[]"):
        if text is not None:
            (folder / "fetch.json").write_text(text)
        with pytest.raises(LandingError, match="cannot be read") as caught:
            read_fetch(tmp_path, folder.name)
        assert "fetch.json" in str(caught.value)


def test_a_read_only_landing_is_named(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file where the directory should be")
    with pytest.raises(LandingError, match="cannot be written") as caught:
        Objects(tmp_path).put(BODY)
    assert "permissions" in str(caught.value)
    (tmp_path / "kolada").write_text("")
    with pytest.raises(LandingError, match="cannot be written"):
        FetchWriter(tmp_path, "20260102T030405000006Z-abcdef")
