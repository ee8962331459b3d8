"""A loopback server with an index page and workbooks, as AF's site has them: the sample source, and the
tests' double.
"""

from __future__ import annotations

import hashlib
import html
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from ame_warehouse.arbetsformedlingen.layouts import ROM_PAGE
from ame_warehouse.sample import af_cube, af_workbooks, af_xlsx
from ame_warehouse.sample.af_workbooks import Release, releases
from ame_warehouse.sample.af_xlsx import SYNTHETIC
from ame_warehouse.sample.faults import Fault
from ame_warehouse.sample.loopback import LoopbackServer, QuietHandler
from ame_warehouse.sample.sending import BREAKS, HTML

PAGE = "/statistik/sok-statistik/tidigare-statistik-tidsserier"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EPOCH_MS = 1_674_000_000_000
DECOYS = (
    "web-inskrivna-arbetslosa-andel-av-bas-arsgenomsnitt-{month}.xlsx",
    "web-inskrivna-arbetslosa-mer-an-12-manader-andel-av-bas-{month}.xlsx",
    "web-inskrivna-arbetslosa-andel-av-bas-mer-an-12-manader-{month}.xlsx",
    "web-platser-{month}.xlsx",
)


@dataclass
class File:
    """A file that is served: how it is made, and a mark that changes when its content does."""

    make: Callable[[], bytes]
    mark: str | None = None

    def body(self) -> bytes:
        """Return the content, made anew."""
        return self.make()

    def etag(self) -> str:
        """Return the entity tag; without a mark it is the checksum of the content."""
        mark = self.mark or hashlib.sha256(self.body()).hexdigest()
        return f'"{mark[:32]}"'


def fixed(body: bytes) -> File:
    """Return a file of given bytes."""
    return File(lambda: body)


@dataclass
class Site:
    """One state of AF's site.

    Args:
        files: what is served, by file name.
        page: the index page, when it is not to be made from the files.
        rom_apart: the results of Rusta och matcha are linked on a page of their own only.
        decoys: names that are linked without being wanted.
        validators: ETag and Last-Modified are given, and 304 is answered.
        encoding: of the page.
        extra: further hrefs on the page.
    """

    files: dict[str, File] = field(default_factory=dict)
    page: bytes | None = None
    rom_apart: bool = False
    decoys: Sequence[str] = ()
    validators: bool = True
    encoding: str = "utf-8"
    extra: Sequence[str] = ()

    def index(self, prefix: str, *, apart: bool = False) -> bytes:
        """Return the index page (or, `apart`, the page of Rusta och matcha), with addresses that change by
        content.
        """
        if self.page is not None and not apart:
            return self.page
        links = []
        for number, (name, file) in enumerate(self.files.items()):
            if self.rom_apart and ("resultatuppfoljning" in name) is not apart:
                continue
            mark = hashlib.sha256(f"{name}{file.mark or ''}".encode()).hexdigest()
            links.append((f"{prefix}/download/18.{mark[:20]}/{EPOCH_MS + number}/{quote(name)}", name))
        links += [(f"{prefix}/download/18.0/{EPOCH_MS}/{name}", name) for name in self.decoys]
        links += [(href, href) for href in self.extra]
        items = "\n".join(
            f'<li><a href="{html.escape(href)}">{html.escape(name)}</a></li>' for href, name in links
        )
        page = (
            f'<!DOCTYPE html><html lang="sv"><head><meta charset="{self.encoding}">'
            f"<title>{SYNTHETIC}</title></head>"
            f'<body><h1>Tidigare statistik – tidsserier</h1><a href="#innehall">Innehåll</a>'
            f'<a href="mailto:exempel@example.invalid">Kontakt</a><ul>\n{items}\n</ul></body></html>'
        )
        return page.encode(self.encoding, "replace")


class _Handler(QuietHandler):
    server_version = "AfSample"
    server_side: AfServer

    def reply(self) -> None:
        """Answer a request, with the faults that hit it."""
        owner = self.server_side
        path = urlsplit(self.path).path
        number = len(owner.requests) + 1
        faults = [fault for fault in owner.faults if fault.strikes(number, unquote(self.path))]
        status, headers, body = self._answer(path)
        for fault in faults:
            if fault.kind == "html":
                status, body, headers = 200, HTML.encode(), {"Content-Type": "text/html; charset=utf-8"}
            elif fault.kind in ("status", "redirect"):
                status = fault.status if fault.kind == "status" else 302
                headers = {**fault.headers, **({"Location": fault.location} if fault.location else {})}
                body = b"fault"
        owner.requests.append((self.path, status))
        broken = next((fault for fault in faults if fault.kind in BREAKS), None)
        if broken is not None:
            BREAKS[broken.kind](self, status, headers, body, broken, owner)
            self.close_connection = True
            return
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        if status != 304:  # noqa: PLR2004
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 304:  # noqa: PLR2004
            self.wfile.write(body)

    def _answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        found = self.server_side.find(path)
        if found is None:
            return 404, {"Content-Type": "text/html; charset=utf-8"}, b"<h1>Sidan finns inte</h1>"
        content, kind = found
        if isinstance(content, bytes):
            return 200, {"Content-Type": kind}, content
        if not self.server_side.site(path).validators:
            return 200, {"Content-Type": kind}, content.body()
        tag = content.etag()
        if self.headers.get("If-None-Match") == tag:
            return 304, {"ETag": tag}, b""
        return 200, {"Content-Type": kind, "ETag": tag}, content.body()


class AfServer(LoopbackServer[Site]):
    """Serves sites on 127.0.0.1 while the `with` block lasts.

    Args:
        mounts: {path prefix: site}; one site alone is served at the root.
        faults: see `Fault`; can be changed while the server runs. Kinds: html, status, redirect, and those
            that break the connection.

    `requests` lists (path, status) of every request.
    """

    handler = _Handler

    def __init__(self, mounts: Site | Mapping[str, Site], faults: Sequence[Fault] = ()) -> None:
        super().__init__({"": mounts} if isinstance(mounts, Site) else dict(mounts), faults)
        self.requests: list[tuple[str, int]] = []

    def url(self, prefix: str = "") -> str:
        """Return the address of a site's index page."""
        return f"{self.host}{prefix}{PAGE}"

    def find(self, path: str) -> tuple[bytes | File, str] | None:
        """Return (page or file, content type) at a path."""
        for prefix, site in sorted(self.mounts.items(), key=lambda one: -len(one[0])):
            inner = path[len(prefix) :] if path.startswith(prefix + "/") else None
            if inner == PAGE:
                return site.index(prefix), f"text/html; charset={site.encoding}"
            if path == ROM_PAGE and site.rom_apart:
                return site.index(prefix, apart=True), "text/html; charset=utf-8"
            name = unquote(inner.rpartition("/")[2]) if inner and inner.startswith("/download/") else None
            if name in site.files:
                return site.files[name], XLSX
        return None

    def site(self, path: str) -> Site:
        """Return the site that a path belongs to."""
        return next(site for prefix, site in self.mounts.items() if path.startswith(prefix + "/"))


def made(build: Callable[[Path], None]) -> bytes:
    """Return the bytes of a workbook that a builder writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        build(path)
        return path.read_bytes()


@cache
def _generator_mark() -> str:
    """Return a checksum of the code that makes the sample: the same code makes the same workbooks."""
    found = hashlib.sha256()
    for module in (af_cube, af_workbooks, af_xlsx):
        found.update(Path(str(module.__file__)).read_bytes())
    return found.hexdigest()


def sample_site(release: Release) -> Site:
    """Return a release of the sample as a site; workbooks are made when they are asked for."""
    files = {
        name: File(
            lambda build=build: made(build),  # type: ignore[misc]
            hashlib.sha256(f"{_generator_mark()}{release.vintage}{name}".encode()).hexdigest(),
        )
        for name, build in release.files.items()
    }
    return Site(files, decoys=[name.format(month=release.month) for name in DECOYS])


@contextmanager
def serve_af_sample() -> Iterator[AfServer]:
    """Serve the bundled releases on loopback, one index page per vintage (`/vintage/<date>/…`)."""
    mounts = {f"/vintage/{release.vintage}": sample_site(release) for release in releases()}
    with AfServer(mounts) as server:
        yield server
