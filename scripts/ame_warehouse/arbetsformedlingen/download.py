"""One fetch from AF: read the index page, download what is new, decide what is in use, write the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from ame_warehouse.arbetsformedlingen.http import Download, FileTransport, Limits
from ame_warehouse.arbetsformedlingen.index import Link, find_links, read_links
from ame_warehouse.arbetsformedlingen.layouts import LAYOUTS, Layout
from ame_warehouse.arbetsformedlingen.notes import LayoutError, Note
from ame_warehouse.arbetsformedlingen.objects import Workbooks
from ame_warehouse.arbetsformedlingen.release import GOOD, InUse, Offer, decide, slot_of, state_digest
from ame_warehouse.arbetsformedlingen.workbook import recognise
from ame_warehouse.errors import SourceError, SourceUnavailableError
from ame_warehouse.landing.store import (
    FetchWriter,
    Objects,
    clock_note,
    fetch_ids,
    new_fetch_id,
    next_moment,
    read_fetch,
)
from ame_warehouse.settings import Settings

SOURCE = "arbetsformedlingen"
KEEP_REFUSED = 16_000_000
Progress = Callable[[int, int, str], None]


class Pages(Objects):
    """Pages under `landing/objects/<aa>/<sha256>.html.zst`."""

    def path(self, sha256: str) -> Path:
        """Return where a page stands."""
        return self.root / sha256[:2] / f"{sha256}.html.zst"


@dataclass(frozen=True)
class Order:
    """What a fetch is of: the page, `live` or `sample`, and the day whose knowledge it shows (sample
    only).
    """

    url: str
    mode: str
    vintage: str | None = None


class Fetch:
    """Runs one fetch; `run` returns the fetch.json that it wrote.

    Raises `SourceUnavailableError` when the page cannot be reached (then nothing is recorded),
    `SourceError` when it answers but is not the page (then the fetch is recorded with every file stale),
    `LandingError` when the landing cannot be written.
    """

    def __init__(
        self,
        settings: Settings,
        order: Order,
        progress: Progress | None = None,
        *,
        limits: Limits | None = None,
        layouts: Sequence[Layout] = LAYOUTS,
    ) -> None:
        self._settings = settings
        self._order = order
        self._progress = progress
        self._layouts = layouts
        self._started, behind = next_moment(settings.landing, SOURCE)
        self._known = (
            datetime.fromisoformat(order.vintage).replace(tzinfo=UTC) if order.vintage else self._started
        )
        self._id = new_fetch_id(self._started)
        self._books = Workbooks(settings.landing)
        self._earlier = earlier_fetches(settings, order.mode, self._known, self._id)
        self._transport = FileTransport(order.url, limits or Limits.of(settings), polite=order.mode == "live")
        self._writer = FetchWriter(settings.landing, self._id, SOURCE)
        self._pages = Pages(settings.landing)
        self._notes: list[Note] = []
        if behind is not None:
            self._notes.append(Note("clock_behind", "warning", **clock_note(behind)))
        self._restored = False  # a stored file that had been damaged is whole again

    def run(self) -> dict[str, Any]:
        """Fetch; return the fetch.json."""
        try:
            try:
                links = self._links(self._order.url)
            except SourceUnavailableError:
                raise
            except SourceError as fault:
                self._notes.append(
                    Note(
                        "index_failed", "error", "the index page of the workbooks", fault.message, str(fault)
                    )
                )
                self._finish([], page_failed=str(fault))
                raise
            offers = self._offers(links)
            return self._finish(offers, page_failed=None)
        finally:
            self._writer.close()
            self._transport.close()

    def _links(self, url: str) -> list[str]:
        download = self._transport.page(url)
        answer = download.answer
        self._record(download, None, None)
        if answer.unreachable or answer.out_of_time:
            raise SourceUnavailableError(
                "the index page cannot be reached",
                expected=f"an answer from {url}",
                found=f"{answer.error} ({answer.attempts} attempts)",
                source=url,
                action="check AME_AF_URL and the network (proxy, DNS, firewall), then run again",
            )
        if answer.error is not None or answer.body is None:
            raise SourceError(
                "the index page gave no usable answer",
                expected="status 200 with an HTML page",
                found=answer.error or f"status {answer.status}",
                source=url,
                action="open AME_AF_URL in a browser; if the page has moved, set AME_AF_URL to the new one",
            )
        return read_links(answer.body, answer.url, answer.headers.get("content-type"))

    def _offers(self, links: list[str]) -> list[Offer]:
        wanted: list[tuple[Layout, Link]] = []
        further: dict[str, list[str]] = {}
        for layout in self._layouts:
            found, notes = find_links(layout, links, self._order.url)
            if not found and layout.page is not None:
                page = urljoin(self._order.url, layout.page)
                if page not in further:
                    further[page] = self._further(page)
                found, notes = find_links(layout, further[page], page)
            self._notes += notes
            wanted += [(layout, link) for link in found]
        offers = []
        for done, (layout, link) in enumerate(wanted, 1):
            offers.append(self._offer(layout, link))
            if self._progress is not None:
                self._progress(done, len(wanted), link.name)
        return offers

    def _further(self, page: str) -> list[str]:
        try:
            return self._links(page)
        except SourceError as fault:
            self._notes.append(
                Note("page_failed", "warning", f"a page at {urlsplit(page).path}", fault.message)
            )
            return []

    def _offer(self, layout: Layout, link: Link) -> Offer:
        """Download one file unless it is unchanged, and judge it."""
        slot = slot_of(layout, link.month)
        offer = Offer(layout.dataset, slot, link.url, link.name, link.month, link.suffix)
        before = self._earlier_offer(slot)
        held = before is not None and self._holds(before)
        same_address = before is not None and urlsplit(before.url).path == urlsplit(link.url).path
        validators = {}
        if before is not None and held and same_address:
            pairs = (("etag", before.etag), ("last-modified", before.last_modified))
            validators = {name: text for name, text in pairs if text}
        sink = self._books.incoming()
        try:
            download = self._transport.file(link.url, sink, validators)
            self._record(download, layout.dataset, link.name)
            answer = download.answer
            offer.etag, offer.last_modified = answer.headers.get("etag"), answer.headers.get("last-modified")
            if answer.error is not None:
                offer.failure = answer.error
                return offer
            if download.unchanged:
                if before is None or not validators:
                    offer.failure = "the source says that nothing changed, though nothing was asked"
                    return offer
                offer.file_sha256, offer.bytes = before.file_sha256, before.bytes
                offer.etag = offer.etag or before.etag
                offer.last_modified = offer.last_modified or before.last_modified
                if before.refusal is not None:
                    self._judge(offer, layout, self._books.path(before.file_sha256 or "", before.suffix))
                return offer
            offer.file_sha256, offer.bytes = download.sha256, download.size
            if before is not None and before.file_sha256 == download.sha256 and not (held or before.refusal):
                self._restored = True
            known = held and before is not None and before.file_sha256 == download.sha256
            if known and before is not None and before.refusal is None and before.suffix == link.suffix:
                return offer
            self._judge(offer, layout, sink)
            self._keep(offer, sink)
            return offer
        finally:
            sink.unlink(missing_ok=True)

    def _judge(self, offer: Offer, layout: Layout, path: Path) -> None:
        """Refuse a file that is no workbook or has not what its layout needs."""
        try:
            recognise(path, layout, offer.suffix, offer.url)
        except LayoutError as fault:
            offer.refusal = str(fault)
            self._notes += fault.notes
        except SourceError as fault:
            offer.refusal = str(fault)

    def _keep(self, offer: Offer, sink: Path) -> None:
        if offer.file_sha256 is not None and (offer.refusal is None or (offer.bytes or 0) <= KEEP_REFUSED):
            self._books.keep(sink, offer.file_sha256, offer.suffix)

    def _holds(self, offer: Offer) -> bool:
        if offer.file_sha256 is None or offer.failure is not None:
            return False
        return self._books.holds(offer.file_sha256, offer.suffix)

    def _earlier_offer(self, slot: str) -> Offer | None:
        """Return what the fetch before remembers of a slot."""
        for one in self._earlier[-1]["offers"] if self._earlier else []:
            if one["slot"] == slot:
                return read_offer(one)
        return None

    def _record(self, download: Download, dataset: str | None, name: str | None) -> None:
        answer = download.answer
        body = answer.body
        self._writer.record(
            {
                "url": answer.url,
                "params": {},
                "status": answer.status,
                "headers": answer.headers,
                "bytes": download.size if body is None else len(body),
                "sha256": download.sha256 if body is None else self._pages.put(body),
                "started_at": answer.started_at.isoformat(),
                "duration_s": answer.duration_s,
                "attempts": answer.attempts,
                "error": answer.error,
                "kpi_ids": [],
                "municipality_ids": [],
                "page": None,
                "dataset": dataset,
                "file_name": name,
            }
        )

    def _finish(self, offers: list[Offer], page_failed: str | None) -> dict[str, Any]:
        last = self._earlier[-1] if self._earlier else None
        before = {one["slot"]: read_in_use(one) for one in last["files"]} if last else {}
        if page_failed is None:
            files, notes = decide(self._layouts, offers, before)
            self._notes += notes
        else:
            files = [
                InUse(**{**one.as_dict(), "outcome": "failed", "error": page_failed, "is_stale": True})
                for one in before.values()
            ]
            offers = [read_offer(one) for one in last["offers"]] if last else []
        for one in files:
            if one.file_sha256 is not None and one.content_fetch_id is None:
                one.content_fetch_id = self._holder(one)
        findings = [note.as_dict() for note in dict.fromkeys(self._notes)]
        digest = state_digest(files, findings)
        offered = {offer.slot for offer in offers}
        carried = [one for one in (last["offers"] if last else []) if one["slot"] not in offered]
        fetch = {
            "fetch_id": self._id,
            "source": SOURCE,
            "mode": self._order.mode,
            "base_url": self._order.url,
            "vintage": self._order.vintage,
            "fetched_at": self._known.isoformat(),
            "started_at": self._started.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            "n_requests": self._writer.n_requests,
            "changed": last is None or last["state_sha256"] != digest or self._restored,
            "state_sha256": digest,
            "measures": [
                {
                    "kpi_id": one.slot,
                    "outcome": "complete" if one.outcome in GOOD else "failed",
                    "error": one.error,
                }
                for one in files
            ],
            "files": [one.as_dict() for one in files],
            "offers": [self._remembered(offer).as_dict() for offer in offers] + carried,
            "findings": findings,
        }
        self._writer.finish(fetch)
        return fetch

    def _remembered(self, offer: Offer) -> Offer:
        """Return what the next poll is to know of a slot: a failed download leaves the earlier validators
        standing.
        """
        before = self._earlier_offer(offer.slot) if offer.failure is not None else None
        return before or offer

    def _holder(self, used: InUse) -> str:
        """Return the fetch that holds (or will hold) the rows of a file: the first that took it into use."""
        for fetch in self._earlier:
            for one in fetch["files"]:
                if one["dataset"] == used.dataset and one["file_sha256"] == used.file_sha256:
                    return str(one["content_fetch_id"])
        return self._id


def read_offer(saved: dict[str, Any]) -> Offer:
    """Return an offer of a fetch.json."""
    return Offer(**{one.name: saved.get(one.name) for one in fields(Offer)})  # type: ignore[arg-type]


def read_in_use(saved: dict[str, Any]) -> InUse:
    """Return a file in use of a fetch.json."""
    return InUse(**{one.name: saved.get(one.name) for one in fields(InUse)})  # type: ignore[arg-type]


def earlier_fetches(settings: Settings, mode: str, known: datetime, fetch_id: str) -> list[dict[str, Any]]:
    """Return the fetch records of a mode that were made before a fetch and known no later than it, oldest
    first.
    """
    found = []
    for other in fetch_ids(settings.landing, SOURCE):
        fetch = read_fetch(settings.landing, other, SOURCE)
        moment = datetime.fromisoformat(fetch["fetched_at"])
        if fetch["mode"] == mode and other < fetch_id and moment <= known:
            found.append((moment, other, fetch))
    return [fetch for _, _, fetch in sorted(found, key=lambda one: one[:2])]
