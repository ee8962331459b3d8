"""A source that drips, a disk that fills while a file comes, a chunk that always breaks off."""

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import MakeSettings, Serve
from tests.faults.af_bad_days import SOK, in_use, last, run

from ame_warehouse.arbetsformedlingen import http
from ame_warehouse.errors import LandingError, SourceUnavailableError
from ame_warehouse.landing.store import fetch_ids, read_fetch
from ame_warehouse.pipeline.ingest import fetch_kolada
from ame_warehouse.pipeline.ingest_af import fetch_af
from ame_warehouse.sample import sending
from ame_warehouse.sample.dataset import Dataset
from ame_warehouse.sample.faults import Fault
from ame_warehouse.seeds import place_ids


def test_a_file_that_drips_is_not_asked_for_again(
    settings: Any, server: Any, site: Any, monkeypatch: Any
) -> None:
    run(settings)
    site.validators = False
    monkeypatch.setattr(http, "WHOLE_SECONDS", 60.0)  # × timeout / 60 = 2 s
    server.faults = [Fault("drip", match=SOK)]
    begun = time.monotonic()
    run(settings)
    assert time.monotonic() - begun < 60
    assert server.faults[0].hits == 1
    assert "no whole answer within 2 s" in in_use(settings)["sok_lan_kom"]["error"]


def test_a_site_that_drips_everywhere_ends_in_the_time_of_a_fetch(
    settings: Any, server: Any, site: Any
) -> None:
    run(settings)
    site.validators = False
    server.faults = [Fault("drip", match="download")]
    begun = time.monotonic()
    run(settings.model_copy(update={"fetch_minutes": 3 / 60}))
    assert time.monotonic() - begun < 60
    errors = [one["error"] for one in last(settings)["files"] if one["file_sha256"]]
    assert len(errors) == 4
    assert all("has used up its time (3 s)" in error for error in errors)
    assert server.faults[0].hits == 1, "what is asked for after that is not asked"
    assert all(one["is_stale"] for one in in_use(settings).values())


def test_a_page_that_drips_is_a_source_that_is_away(settings: Any, server: Any) -> None:
    server.faults = [Fault("drip")]
    with pytest.raises(SourceUnavailableError, match="used up its time"):
        fetch_af(settings.model_copy(update={"fetch_minutes": 0.5 / 60}))
    assert fetch_ids(settings.landing, "arbetsformedlingen") == []


def test_a_kolada_that_drips_ends_in_the_time_of_a_fetch(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small, Fault("drip", match="/data/"))
    settings = make_settings(
        sources="live", kolada_url=server.url(), fetch_minutes=3 / 60, kolada_connections=1
    )
    begun = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="so slowly") as caught:
        fetch_kolada(settings, ["U40800", "U40806"], ["1480"], None)
    assert time.monotonic() - begun < 60
    assert "AME_FETCH_MINUTES" in str(caught.value)
    assert fetch_ids(settings.landing) == []


def test_what_is_whole_when_the_time_is_over_is_kept(
    make_settings: MakeSettings, small: Dataset, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "DRIP_SECONDS", 0.5)
    chosen = sorted({kpi["id"] for kpi in small.kpis})[:30]  # two questions
    server = serve(small, Fault("drip", at=range(5, 10_000)))  # the second
    settings = make_settings(
        sources="live", kolada_url=server.url(), fetch_minutes=4 / 60, kolada_connections=1
    )
    result = fetch_kolada(settings, chosen, ["1480"], None)
    assert result["measures"]["failed"] == 5
    record = read_fetch(settings.landing, result["fetch_ids"][0])
    errors = [one["error"] for one in record["measures"] if one["outcome"] == "failed"]
    assert all("so slowly" in error and len(error) < 500 for error in errors)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_fills_while_a_file_comes_is_no_fault_of_the_source(
    number: int, settings: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: Any, part: bytes) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(http, "_write", full)
    with pytest.raises(LandingError, match="cannot be written"):
        fetch_af(settings)
    assert len(server.requests) == 2, "the page and one file, once"
    assert list((settings.landing / "objects" / ".incoming").iterdir()) == []


def test_a_disk_without_room_for_the_rest_of_a_file(settings: Any, tmp_path: Path) -> None:
    """The system takes a part of what is written, and then nothing."""
    with Path("/dev/full").open("wb", buffering=0) as handle, pytest.raises(OSError, match="No space"):
        http._write(handle, b"x" * 100)


def test_an_answer_that_always_breaks_off_is_asked_for_in_smaller_parts(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    probe = make_settings()
    first = ",".join(place_ids(probe)[:25])  # as a proxy that cuts answers above a size
    server = serve(small, Fault("truncate", match=f"municipality/{first}"))
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_attempts=2)
    record = fetch_kolada(settings, ["U40800", "U40806", "N01951"], None, None)
    assert record["measures"] == {"complete": 3}
    asked = [one for one in server.requests if "/data/" in one]
    assert len(asked) < 13 + 20


def test_a_place_that_always_breaks_off_is_named_and_found_quickly(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small, Fault("truncate", match="0127"))
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_attempts=2, kolada_connections=1)
    kpis = ["U40800", "U40806", "N01951", "N40011"]
    with pytest.raises(Exception, match="0127") as caught:
        fetch_kolada(settings, kpis, None, None)
    assert len(str(caught.value)) < 900
    asked = [one for one in server.requests if "/data/" in one and "0127" in one]
    assert len(asked) < 40, "the place is remembered: the other measures ask for it alone"
