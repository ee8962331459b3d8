"""HTTP for one source: polite, bounded, and patient with faults that pass.

A `Transport` answers every GET with a whole body or raises `SourceError`; it never returns half an answer.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from ame_warehouse import __version__
from ame_warehouse.errors import SourceError
from ame_warehouse.kolada.rate import RateLimiter
from ame_warehouse.kolada.wires import Adapter, Wires

CONNECT_SECONDS = 10.0
OVERALL_FACTOR = 3.0  # a whole answer may take this many times the read timeout
TOTAL_SECONDS = 5400.0
LATE_ATTEMPTS = 2  # an answer that was not whole by then is asked for once more, not as often as a broken one
LONGEST_WAIT = 60.0
REDIRECTS = 3
CHUNK = 1 << 16
KEPT_HEADERS = ("content-type", "etag", "last-modified", "date", "retry-after")
UNREACHABLE = {
    ("NameResolutionError", "gaierror"): "the host name is not known (DNS)",
    ("ConnectionRefusedError",): "connection refused",
    ("ProxyError",): "the proxy does not answer",
    ("SSLError",): "no secure connection",
    ("ConnectTimeout", "ConnectTimeoutError"): f"no connection within {CONNECT_SECONDS:g} s",
    ("InvalidURL", "LocationParseError", "InvalidSchema", "MissingSchema"): "not an address",
    ("NewConnectionError",): "no connection",
}
BROKEN = {
    ("DecodeError", "ContentDecodingError"): "the compressed body cannot be unpacked",
    ("IncompleteRead", "ProtocolError", "ChunkedEncodingError"): "the connection broke off within the answer",
}
LOOPBACK = re.compile(r"localhost|127(\.[0-9]+){3}|::1")


@dataclass
class Answer:
    """What came back for one request, after all attempts; `body` is None when no attempt gave a whole one."""

    url: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    duration_s: float = 0.0
    attempts: int = 0
    error: str | None = None
    unreachable: bool = False
    out_of_time: bool = False


class _Passing(Exception):  # noqa: N818 - a signal inside this module
    """A fault worth another attempt. `unreachable`: not even a connection came about; `late`: it dripped."""

    def __init__(
        self, text: str, *, wait: float | None = None, unreachable: bool = False, late: bool = False
    ) -> None:
        super().__init__(text)
        self.wait = wait
        self.unreachable = unreachable
        self.late = late


class StopFetchError(SourceError):
    """This request was given up because another thread ended the fetch."""


class Transport:
    """GET with timeouts, retries, a size limit and a rate limit; safe to use from several threads.

    Args:
        base_url: address of the source; redirects may not leave its host.
        rps: request starts per second, all threads together.
        read_timeout: seconds of silence allowed within an answer.
        attempts, backoff: tries for each request, and base of the growing wait in seconds.
        max_bytes: largest body accepted, before and after decompression.
        total: seconds from now for all requests together; what is asked for later is not asked.
        late_attempts: tries for an answer that is still coming when its time is over.
    """

    def __init__(
        self,
        base_url: str,
        *,
        rps: float,
        read_timeout: float,
        attempts: int,
        backoff: float,
        max_bytes: int,
        total: float = TOTAL_SECONDS,
        late_attempts: int = LATE_ATTEMPTS,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.total = total
        self._deadline = time.monotonic() + total
        self.late_attempts = late_attempts
        self.host = (urlsplit(self.base_url).hostname or "").lower()
        self.limiter = RateLimiter(rps)
        self.read_timeout = read_timeout
        self.attempts = attempts
        self.backoff = backoff
        self.max_bytes = max_bytes
        self.stopped = threading.Event()
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._wires: list[Wires] = []

    def stop(self) -> None:
        """Let every thread give up: no further attempt, and what is under way is cut off."""
        self.stopped.set()
        for wires in list(self._wires):
            wires.cut()

    def close(self) -> None:
        """Close every connection."""
        for session in self._sessions:
            session.close()

    def get(
        self,
        path: str,
        params: Mapping[str, str | int],
        *,
        check: Callable[[bytes], None],
        attempts: int | None = None,
    ) -> Answer:
        """Return the first answer which has status 200 and a body that `check` accepts.

        `check` raises `ValueError` for a body that is not what was asked for; that is tried again like a
        broken connection. After the last attempt no exception is raised: the returned `Answer` has `error`
        set, `unreachable` when not even a connection came about, and `out_of_time` when the time for all
        requests is over. Raises `StopFetchError` when the fetch has ended.
        """
        answer = Answer(url=self.base_url + path)
        tries = attempts or self.attempts
        begin = time.monotonic()
        for attempt in range(1, tries + 1):
            if self._is_over(answer):
                break
            answer.attempts = attempt
            self._pause(self.limiter.reserve())
            try:
                self._once(answer, params)
                if answer.body is not None:
                    check(answer.body)
                answer.error, answer.unreachable = None, False
                break
            except _Passing as fault:
                answer.error, answer.unreachable, wait = str(fault), fault.unreachable, fault.wait
                if fault.late and attempt >= self.late_attempts:
                    break
            except ValueError as fault:
                answer.error, answer.unreachable, wait = str(fault), False, None
            except SourceError as fault:
                answer.error, answer.unreachable = str(fault), False
                break
            if attempt < tries:
                self._pause(self._delay(attempt, wait))
        if answer.error is not None:
            self._is_over(answer)
        answer.duration_s = round(time.monotonic() - begin, 6)
        return answer

    def _is_over(self, answer: Answer) -> bool:
        """Mark the answer when the time for all requests is over."""
        if time.monotonic() < self._deadline:
            return False
        if not answer.out_of_time:
            answer.out_of_time = True
            before = f"; {answer.error}" if answer.error else ""
            answer.error = f"the fetch has used up its time ({self.total:g} s){before}"
        return True

    def _pause(self, seconds: float) -> None:
        if self.stopped.is_set() or (seconds > 0 and self.stopped.wait(seconds)):
            raise StopFetchError("given up: the fetch ended", source=self.base_url)

    def _delay(self, attempt: int, asked: float | None) -> float:
        growing = min(LONGEST_WAIT, self.backoff * 2.0 ** (attempt - 1))
        jittered = growing * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, no secret
        if asked is None:
            return jittered
        wait = min(LONGEST_WAIT, max(asked, jittered))
        self.limiter.hold(wait)
        return wait

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = LOOPBACK.fullmatch(self.host) is None
            session.headers.update(
                {
                    "User-Agent": f"ame-warehouse/{__version__}",
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip",
                }
            )
            self._local.wires = Wires()
            self._wires.append(self._local.wires)
            adapter = Adapter(self._local.wires)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            self._local.session = session
            self._sessions.append(session)
        return session

    def _once(self, answer: Answer, params: Mapping[str, str | int]) -> None:
        """One attempt: fill status, headers and body of `answer`."""
        answer.status, answer.headers, answer.body = None, {}, None
        session = self._session()
        late = threading.Event()
        wires: Wires = self._local.wires

        def cut() -> None:
            late.set()
            wires.cut()

        limit = min(self.read_timeout * OVERALL_FACTOR, max(0.01, self._deadline - time.monotonic()))
        watchdog = threading.Timer(limit, cut)
        watchdog.daemon = True
        watchdog.start()
        try:
            self._exchange(session, answer, params)
        except (requests.RequestException, HTTPError, OSError) as exc:
            answer.body = None
            if late.is_set():
                raise _Passing(f"no whole answer within {limit:.3g} s", late=True) from exc
            raise _fault_of(exc) from exc
        finally:
            watchdog.cancel()
        if late.is_set():
            answer.body = None
            raise _Passing(f"no whole answer within {limit:.3g} s", late=True)

    def _exchange(self, session: requests.Session, answer: Answer, params: Mapping[str, str | int]) -> None:
        url, query = answer.url, dict(params)
        for _ in range(REDIRECTS + 1):
            with session.get(
                url,
                params=query,
                stream=True,
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, self.read_timeout),
            ) as response:
                answer.status = response.status_code
                answer.headers = {
                    name: response.headers[name] for name in KEPT_HEADERS if name in response.headers
                }
                if response.is_redirect:
                    url, query = self._redirected(response), {}
                    continue
                answer.body = self._body(response)
                _refuse_status(response, answer.body)
                return
        raise SourceError(
            "the source redirects in a circle",
            expected="an answer",
            found=f"{REDIRECTS + 1} redirects",
            source=answer.url,
            action="check AME_KOLADA_URL",
        )

    def _redirected(self, response: requests.Response) -> str:
        target = requests.compat.urljoin(response.url, response.headers["location"])
        old, new = urlsplit(response.url), urlsplit(target)
        same = (old.scheme, old.netloc.lower()) == (new.scheme, new.netloc.lower())
        upgrade = (
            old.scheme == "http"
            and new.scheme == "https"
            and old.hostname == new.hostname
            and old.port in (None, 80)
            and new.port in (None, 443)
        )
        if not (same or upgrade):
            raise SourceError(
                "the source redirects to another host, which is refused",
                expected=f"an answer from {old.netloc}",
                found=f"status {response.status_code} to {target[:200]}",
                source=response.url,
                action="set AME_KOLADA_URL to the address meant, if it is to be trusted",
            )
        return str(target)

    def _body(self, response: requests.Response) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("identity", "", "gzip"):
            raise SourceError(
                "the answer has an encoding that was not asked for",
                expected="plain or gzip",
                found=encoding[:80],
                source=response.url,
                action="check the proxy between here and the source",
            )
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > self.max_bytes:
            raise self._too_big(response, f"{int(announced)} bytes announced")
        parts: list[bytes] = []
        size = 0
        while True:
            part = response.raw.read(CHUNK, decode_content=True)
            if not part:
                break
            size += len(part)
            if size > self.max_bytes:
                raise self._too_big(response, f"more than {self.max_bytes} bytes")
            parts.append(part)
        if announced.isdigit() and response.raw.tell() != int(announced):
            raise _Passing(f"the body ended after {response.raw.tell()} of {announced} bytes")
        return b"".join(parts)

    def _too_big(self, response: requests.Response, found: str) -> SourceError:
        response.raw.close()
        return SourceError(
            "the answer is larger than allowed",
            expected=f"at most {self.max_bytes // 1_000_000} MB",
            found=found,
            source=response.url,
            action="raise AME_KOLADA_MAX_MB if such answers are to be expected",
        )


def _refuse_status(response: requests.Response, body: bytes) -> None:
    status = response.status_code
    if status == requests.codes.ok:
        return
    text = " ".join(body[:300].decode("utf-8", "replace").split())
    found = f"status {status}" + (f": {text}" if text else "")
    if status == requests.codes.too_many_requests or status >= requests.codes.server_error:
        raise _Passing(found, wait=retry_after(response.headers.get("Retry-After")))
    raise SourceError(
        "the source refused the request",
        expected="status 200",
        found=found,
        source=response.url,
        action="check AME_KOLADA_URL" if status == requests.codes.not_found else "see the text of the answer",
    )


def retry_after(text: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for (number or HTTP date), None if unusable."""
    if not text:
        return None
    if text.strip().isdigit():
        return min(float(text.strip()), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(LONGEST_WAIT, max(0.0, (moment - datetime.now(UTC)).total_seconds()))


def _fault_of(exc: BaseException) -> _Passing:
    """Say in plain words what broke; tell a source that is not there from one that stumbles."""
    text = cause = str(exc)
    seen: BaseException | None = exc
    names: list[str] = []
    while seen is not None and len(names) < 20:  # noqa: PLR2004 - no chain is longer
        names.append(type(seen).__name__)
        cause = str(seen) or cause
        reason = getattr(seen, "reason", None) or (
            seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else None
        )
        seen = seen.__cause__ or (reason if isinstance(reason, BaseException) else None) or seen.__context__
    for marks, words in UNREACHABLE.items():
        if any(mark in names for mark in marks):
            return _Passing(f"{words}: {cause[:200]}", unreachable=True)
    if any("Timeout" in name for name in names) or "timed out" in text:
        return _Passing("the source stopped answering (timeout)")
    for marks, words in BROKEN.items():
        if any(mark in names for mark in marks):
            return _Passing(words)
    return _Passing(f"{type(exc).__name__}: {text[:200]}")
