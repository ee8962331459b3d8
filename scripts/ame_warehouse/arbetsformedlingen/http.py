"""HTTP for AF's pages and workbooks: streamed to a file, with validators, bounded in size and time, one host.

Builds on the transport of the Kolada client: the same sessions, retries, watchdog and words for what broke.

Host rule: workbooks and redirects may only lead to the index page's own host (with or without `www.`), on
the same port, and never from https to http. A link elsewhere is not followed; it is a finding when its
name is one that is looked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests

from ame_warehouse.errors import LandingError, SourceError
from ame_warehouse.kolada.transport import (
    CHUNK,
    CONNECT_SECONDS,
    KEPT_HEADERS,
    OVERALL_FACTOR,
    REDIRECTS,
    TOTAL_SECONDS,
    Answer,
    Transport,
    _Passing,
    _refuse_status,
)
from ame_warehouse.settings import Settings

PAGE_BYTES = 16_000_000
FILE_BYTES = 400_000_000
SILENCE_SECONDS = 60.0
WHOLE_SECONDS = 1200.0
POLITE_RPS = 1.0
NOT_MODIFIED = 304


@dataclass(frozen=True)
class Limits:
    """Patience and sizes: seconds of silence, for a whole file and for a whole fetch, bytes of a page and of
    a file, tries. A file that is still coming when its time is over is not asked for again in this fetch.
    """

    silence_s: float = SILENCE_SECONDS
    whole_s: float = WHOLE_SECONDS
    total_s: float = TOTAL_SECONDS
    page_bytes: int = PAGE_BYTES
    file_bytes: int = FILE_BYTES
    attempts: int = 4
    backoff_s: float = 1.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return the limits; tries, backoff and silence follow the settings of the HTTP clients."""
        return cls(
            silence_s=settings.kolada_timeout,
            whole_s=WHOLE_SECONDS / SILENCE_SECONDS * settings.kolada_timeout,
            total_s=settings.fetch_minutes * 60,
            attempts=settings.kolada_attempts,
            backoff_s=settings.kolada_backoff,
        )


@dataclass
class _Wish:
    """What the next request of the transport is to do."""

    headers: dict[str, str] = field(default_factory=dict)
    sink: Path | None = None
    max_bytes: int = PAGE_BYTES


@dataclass
class Download:
    """What came: the answer, and for a file its size and checksum. `unchanged`: the validators still hold
    (304).
    """

    answer: Answer
    size: int | None = None
    sha256: str | None = None

    @property
    def unchanged(self) -> bool:
        """Whether the source says that nothing has changed since the validators were given."""
        return self.answer.status == NOT_MODIFIED


def _site(parts: SplitResult) -> str:
    return (parts.hostname or "").lower().removeprefix("www.")


def same_site(base: str, target: str) -> bool:
    """Return whether `target` may be followed from `base` (see the host rule of this module)."""
    old, new = urlsplit(base), urlsplit(target)
    if new.scheme not in ("http", "https") or (old.scheme, new.scheme) == ("https", "http"):
        return False
    try:
        ports = old.port, new.port
    except ValueError:
        return False
    upgrade = old.scheme != new.scheme and ports[0] in (None, 80) and ports[1] in (None, 443)
    return _site(old) == _site(new) and (ports[0] == ports[1] or upgrade) and not new.username


class FileTransport(Transport):
    """GET of pages and files from one site; not for use from several threads."""

    def __init__(self, base_url: str, limits: Limits, *, polite: bool) -> None:
        super().__init__(
            base_url,
            rps=POLITE_RPS if polite else 1e6,
            read_timeout=limits.whole_s / OVERALL_FACTOR,
            attempts=limits.attempts,
            backoff=limits.backoff_s,
            max_bytes=limits.page_bytes,
            total=limits.total_s,
            late_attempts=1,
        )
        self.limits = limits
        self._wish = _Wish()
        self._size = 0
        self._sha256 = hashlib.sha256()

    def page(self, url: str) -> Download:
        """Return a page; `answer.body` is its bytes, or `answer.error` says why there is none."""
        self._wish = _Wish({"Accept": "text/html,application/xhtml+xml"}, None, self.limits.page_bytes)
        return Download(self._ask(url))

    def file(self, url: str, sink: Path, validators: dict[str, str]) -> Download:
        """Stream a file to `sink`.

        Args:
            validators: `etag` and `last-modified` of what we hold; the source may then answer that nothing
            changed.
        """
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if "etag" in validators:
            headers["If-None-Match"] = validators["etag"]
        if "last-modified" in validators:
            headers["If-Modified-Since"] = validators["last-modified"]
        self._wish = _Wish(headers, sink, self.limits.file_bytes)
        answer = self._ask(url)
        if answer.error is not None or answer.status == NOT_MODIFIED:
            return Download(answer)
        return Download(answer, self._size, self._sha256.hexdigest())

    def _ask(self, url: str) -> Answer:
        self.base_url = url
        answer = self.get("", {}, check=lambda _body: None)
        if answer.error is not None:
            answer.error = answer.error.replace("AME_KOLADA_URL", "AME_AF_URL")
        return answer

    def _exchange(self, session: requests.Session, answer: Answer, params: Any) -> None:  # noqa: ARG002
        url = answer.url
        for _ in range(REDIRECTS + 1):
            with session.get(
                url,
                headers=self._wish.headers,
                stream=True,
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, self.limits.silence_s),
            ) as response:
                answer.status = response.status_code
                answer.headers = {
                    name: response.headers[name] for name in KEPT_HEADERS if name in response.headers
                }
                if response.is_redirect:
                    url = self._redirected(response)
                    continue
                if response.status_code == NOT_MODIFIED:
                    return
                if response.status_code != requests.codes.ok or self._wish.sink is None:
                    self.max_bytes = self.limits.page_bytes
                    answer.body = self._body(response)
                    answer.url = url
                    _refuse_status(response, answer.body)
                    return
                self._stream(response, self._wish.sink)
                return
        raise SourceError(
            "the source redirects in a circle", found=f"{REDIRECTS + 1} redirects", source=answer.url
        )

    def _redirected(self, response: requests.Response) -> str:
        target = str(requests.compat.urljoin(response.url, response.headers["location"]))
        if not same_site(response.url, target):
            raise SourceError(
                "the source redirects to another host, which is refused",
                expected=f"an answer from {urlsplit(response.url).netloc}",
                found=f"status {response.status_code} to {target[:200]}",
                source=response.url,
                action="set AME_AF_URL to the address meant, if it is to be trusted",
            )
        return target

    def _stream(self, response: requests.Response, sink: Path) -> None:
        """Write the body to a file, counting and hashing it on the way."""
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > self._wish.max_bytes:
            raise self._too_big_file(response, f"{int(announced)} bytes announced")
        if response.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
            raise SourceError("the file comes in an encoding that was not asked for", source=response.url)
        self._size, self._sha256 = 0, hashlib.sha256()
        with _writable(sink) as handle:
            while part := response.raw.read(CHUNK, decode_content=False):
                self._size += len(part)
                if self._size > self._wish.max_bytes:
                    raise self._too_big_file(response, f"more than {self._wish.max_bytes} bytes")
                self._sha256.update(part)
                try:
                    _write(handle, part)
                except OSError as exc:  # not the network's: another attempt would not help
                    raise _cannot_write(sink, exc) from exc
        if announced.isdigit() and self._size != int(announced):
            raise _Passing(f"the body ended after {self._size} of {announced} bytes")

    def _too_big_file(self, response: requests.Response, found: str) -> SourceError:
        response.raw.close()
        return SourceError(
            "the file is larger than allowed",
            expected=f"at most {self._wish.max_bytes // 1_000_000} MB",
            found=found,
            source=response.url,
            action="open the address; if such files are to be expected, raise the limit",
        )


def _write(handle: FileIO, part: bytes) -> None:
    left = memoryview(part)
    while left:  # a disk that is nearly full takes a part
        left = left[handle.write(left) :]


def _writable(path: Path) -> FileIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb", buffering=0)  # no buffer: a full disk is met here, not when it is closed
    except OSError as exc:
        raise _cannot_write(path, exc) from exc


def _cannot_write(path: Path, exc: OSError) -> LandingError:
    return LandingError(
        "the landing cannot be written",
        expected="a writable directory with free space",
        found=exc.strerror or str(exc),
        source=str(path),
        action="free space or correct the permissions of AME_HOME, then run again; what is published stays",
    )
