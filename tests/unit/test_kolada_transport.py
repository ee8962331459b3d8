"""HTTP: retries, waits, limits, redirects, and clear ends."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from tests.conftest import Serve

from ame_warehouse.kolada.pages import read_page
from ame_warehouse.kolada.transport import (
    LONGEST_WAIT,
    Answer,
    RateLimiter,
    StopFetchError,
    Transport,
    retry_after,
)
from ame_warehouse.sample.dataset import Dataset
from ame_warehouse.sample.faults import Fault
from ame_warehouse.sample.server import KoladaServer


def transport(url: str, **changes: Any) -> Transport:
    base: dict[str, Any] = {
        "rps": 100_000,
        "read_timeout": 10.0,
        "attempts": 3,
        "backoff": 0.01,
        "max_bytes": 1_000_000,
    }
    return Transport(url, **(base | changes))


def check(body: bytes) -> None:
    read_page(body)


def patience(fault: Fault) -> float:
    """Return a time limit in seconds: short only where it must pass, since a test machine may be slow."""
    return 0.6 if fault.kind in ("stall", "drip", "drip_headers") else 10.0


def ask(client: Transport, path: str = "/municipality") -> Answer:
    try:
        return client.get(path, {"page": 1, "per_page": 5000}, check=check)
    finally:
        client.close()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset"),
        Fault("stall"),
        Fault("truncate"),
        Fault("chunk_abort"),
        Fault("html"),
        Fault("not_json"),
        Fault("envelope"),
        Fault("latin1"),
        Fault("status", status=500),
        Fault("status", status=503),
        Fault("status", status=429, headers={"Retry-After": "0"}),
        Fault("drip"),
        Fault("drip_headers"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}" if fault.kind == "status" else fault.kind,
)
def test_a_passing_fault_is_tried_again(fault: Fault, small: Dataset, serve: Serve) -> None:
    fault.times = 1 if "drip" in fault.kind else 2  # one that drips costs the most time
    server = serve(small, fault)
    answer = ask(transport(server.url(), read_timeout=patience(fault)))
    assert answer.error is None
    assert answer.attempts == fault.times + 1
    assert answer.body is not None
    assert read_page(answer.body).size == 312


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault("reset"), "broke off"),
        (Fault("stall"), "timeout"),
        (Fault("truncate"), "broke off"),
        (Fault("chunk_abort"), "broke off"),
        (Fault("html"), "HTML"),
        (Fault("status", status=502), "status 502"),
        (Fault("drip"), "no whole answer within 1.8 s"),
        (Fault("drip_headers"), "no whole answer within 1.8 s"),
    ],
    ids=lambda one: one.kind if isinstance(one, Fault) else "",
)
def test_a_fault_that_stays_ends_with_its_reason(
    fault: Fault, says: str, small: Dataset, serve: Serve
) -> None:
    server = serve(small, fault)
    attempts = 1 if "drip" in fault.kind else 2
    answer = ask(transport(server.url(), read_timeout=patience(fault), attempts=attempts))
    assert answer.attempts == attempts
    assert says in (answer.error or "")
    assert not answer.unreachable
    assert len(server.requests) == attempts


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_other_refusals_are_not_tried_again(status: int, small: Dataset, serve: Serve) -> None:
    server = serve(small, Fault("status", status=status))
    answer = ask(transport(server.url()))
    assert (answer.attempts, answer.status) == (1, status)
    assert f"fault: status {status}" in (answer.error or "")


def test_a_body_over_the_limit_is_refused_without_another_try(small: Dataset, serve: Serve) -> None:
    for kind, size in (("oversize", 400_000), ("gzip_bomb", 50_000_000)):
        server = serve(small, Fault(kind, size=size))
        answer = ask(transport(server.url(), max_bytes=200_000))
        assert answer.attempts == 1
        assert "larger than allowed" in (answer.error or "")
        assert answer.body is None


def test_a_compressed_body_is_unpacked(small: Dataset, serve: Serve) -> None:
    server = serve(small, Fault("gzip"))
    answer = ask(transport(server.url()))
    assert answer.error is None
    assert answer.body is not None
    assert read_page(answer.body).size == 312


def test_a_redirect_to_another_host_is_refused(small: Dataset, serve: Serve) -> None:
    server = serve(small, Fault("redirect", location="http://kolada.invalid/v3/municipality"))
    answer = ask(transport(server.url()))
    assert answer.attempts == 1
    assert "redirects to another host" in (answer.error or "")
    assert "kolada.invalid" in (answer.error or "")


def test_a_redirect_on_the_same_host_is_followed_but_not_for_ever(small: Dataset, serve: Serve) -> None:
    server = serve(small, Fault("redirect", at={1}, location="/v3/municipality?per_page=7"))
    answer = ask(transport(server.url()), "/elsewhere")
    assert answer.body is not None
    assert read_page(answer.body).size == 7
    server = serve(small, Fault("redirect", location="/v3/municipality"))
    assert "circle" in (ask(transport(server.url())).error or "")


def test_nobody_there_and_no_such_host_are_unreachable(small: Dataset) -> None:
    with KoladaServer(small) as server:
        url = server.url()
    for address, says in (
        (url, "connection refused"),
        ("http://kolada.invalid/v3", "DNS"),
        ("http://:80/v3", "not an address"),
    ):
        answer = ask(transport(address, attempts=2))
        assert answer.unreachable, address
        assert says in (answer.error or "")
        assert answer.attempts == 2


def test_loopback_never_goes_through_a_proxy(
    small: Dataset, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert ask(transport(serve(small).url())).error is None


def test_retry_after_is_obeyed(small: Dataset, serve: Serve) -> None:
    server = serve(small, Fault("status", status=429, headers={"Retry-After": "1"}, times=1))
    begin = time.monotonic()
    answer = ask(transport(server.url()))
    assert answer.error is None
    assert 1.0 <= time.monotonic() - begin < 20


def test_retry_after_is_read_as_seconds_or_as_a_date_and_is_capped() -> None:
    assert retry_after(None) is None
    assert retry_after("soon") is None
    assert retry_after("7") == 7
    assert retry_after("86400") == LONGEST_WAIT
    later = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True))
    assert later is not None
    assert 0 < later <= 20
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_waits_grow_are_jittered_and_capped() -> None:
    client = transport("http://127.0.0.1:9", backoff=1.0)
    for attempt, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (12, LONGEST_WAIT)):
        waits = {client._delay(attempt, None) for _ in range(20)}
        assert len(waits) > 1
        assert all(longest / 2 <= wait <= longest for wait in waits)


def test_the_limiter_spaces_requests_of_all_threads() -> None:
    limiter = RateLimiter(2)  # nobody waits here: the slots are only taken
    waits: list[float] = []
    threads = [
        threading.Thread(target=lambda: waits.extend(limiter.reserve() for _ in range(10))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waits) == 40
    assert 15 < max(waits) <= 20
    limiter.hold(50)
    assert 20 < limiter.reserve() <= 50


def test_rate_is_kept_on_the_wire(small: Dataset, serve: Serve) -> None:
    client = transport(serve(small).url(), rps=20)
    begin = time.monotonic()
    for _ in range(7):
        assert client.get("/municipality/1480", {}, check=check).error is None
    client.close()
    assert 0.28 <= time.monotonic() - begin < 20


def test_stop_ends_what_is_under_way_and_what_waits(small: Dataset, serve: Serve) -> None:
    server = serve(small, Fault("stall", seconds=120))
    client = transport(server.url(), read_timeout=120)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            client.get("/municipality", {}, check=check)
        except StopFetchError as exc:
            ended.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    while not server.requests:
        time.sleep(0.01)
    client.stop()
    thread.join(60)
    assert not thread.is_alive()
    assert len(ended) == 1
    client.close()
