"""The Kolada v3 client: routes, paging, and an outcome record for every request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ame_warehouse.errors import SourceError, SourceUnavailableError
from ame_warehouse.kolada.pages import (
    KeyOf,
    Page,
    PageSet,
    data_key,
    genders_clash,
    id_key,
    judge,
    key_text,
    read_page,
)
from ame_warehouse.kolada.plan import Question, chunks
from ame_warehouse.kolada.transport import Answer, Transport
from ame_warehouse.landing.resume import Landed
from ame_warehouse.landing.store import FetchWriter
from ame_warehouse.landing.tolerant import is_regular
from ame_warehouse.settings import Settings

PER_PAGE = 5000
MOST_PAGES = 2000
HALVED_ATTEMPTS = 2


class RequestFailedError(SourceError):
    """A page could not be had after the last attempt; `passing`: network, 5xx or 429, which may go away."""

    status: int | None = None
    passing: bool = False
    slow: bool = False


@dataclass(frozen=True)
class Asked:
    """What a request asks for, as its outcome record says it."""

    kpi_ids: tuple[str, ...] = ()
    municipality_ids: tuple[str, ...] = ()


class KoladaClient:
    """Asks one Kolada v3 server; every answer goes to the landing before anybody reads it.

    Args:
        settings: politeness, patience and size limits (AME_KOLADA_*).
        base_url: address of the server, with `/v3`.
        writer: the fetch being written.
        polite: False only for the bundled sample on loopback: no pause between requests.
        landed: answers of the interrupted fetch that is taken over; these are not asked for again.
    """

    def __init__(
        self,
        settings: Settings,
        base_url: str,
        writer: FetchWriter,
        *,
        polite: bool = True,
        landed: Landed | None = None,
    ) -> None:
        self._writer = writer
        self._landed = landed
        self._lock = threading.Lock()
        self.base_url = base_url.rstrip("/")
        self.transport = Transport(
            self.base_url,
            rps=settings.kolada_rps if polite else 1e6,
            read_timeout=settings.kolada_timeout,
            attempts=settings.kolada_attempts,
            backoff=settings.kolada_backoff,
            max_bytes=settings.kolada_max_mb * 1_000_000,
            total=settings.fetch_minutes * 60,
        )
        self.halved_attempts = min(HALVED_ATTEMPTS, settings.kolada_attempts)

    def stop(self) -> None:
        """Let every thread give up what it waits for."""
        self.transport.stop()

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def kpis(self) -> PageSet:
        """Return the KPI catalogue, all pages."""
        return self._whole("/kpi", id_key, Asked())

    def municipalities(self) -> PageSet:
        """Return all places."""
        return self._whole("/municipality", id_key, Asked())

    def groups(self, group_ids: Sequence[str]) -> list[PageSet]:
        """Return the named groups with their members, at most 25 ids a request."""
        return [
            self._whole("/municipality_groups/" + ",".join(ids), id_key, Asked()) for ids in chunks(group_ids)
        ]

    def data(self, question: Question, doubt: Callable[[list[Any]], str | None] | None = None) -> PageSet:
        """Return the records for a question; asked twice when `doubt` finds a reason in the records.

        Raises `RequestFailedError` when a page cannot be had, `SourceError` when the pages do not add up.
        """
        asked = Asked(question.kpi_ids, question.municipality_ids)

        def also(result: PageSet) -> None:
            _judge_answer(result, asked)
            if doubt is not None:
                result.doubt = result.doubt or doubt(result.values)

        return self._whole(question.path, data_key, asked, question.attempts, also)

    def _whole(
        self,
        path: str,
        key_of: KeyOf,
        asked: Asked,
        attempts: int | None = None,
        also: Callable[[PageSet], None] | None = None,
    ) -> PageSet:
        """Return a page set that adds up; one that does not is asked for once more from page 1."""
        result = self._pages(path, key_of, asked, attempts, also)
        if not result.faults and not result.doubt:
            return result
        again = self._pages(path, key_of, asked, attempts, also)
        if again.faults:
            raise SourceError(
                "the pages of one answer do not add up, twice",
                expected="pages of equal size, no record twice, a count that fits",
                found=again.faults[0],
                source=self.base_url + path,
                action="run again later; if it stays, report it to the source with this address",
            )
        if result.objects != again.objects:
            reason = result.faults[0] if result.faults else result.doubt
            again.notes.append(f"the first answer was not used: {reason}")
        elif again.doubt:
            again.notes.append(f"asked twice, with the same answer: {again.doubt}")
        return again

    def _pages(
        self,
        path: str,
        key_of: KeyOf,
        asked: Asked,
        attempts: int | None,
        also: Callable[[PageSet], None] | None,
    ) -> PageSet:
        pages: list[Page] = []
        odd: list[str] = []
        while True:
            page = self._page(path, len(pages) + 1, asked, attempts)
            pages.append(page)
            if key_of is data_key and not (page.is_plain and is_regular(page.values)):
                odd.append(page.digest)
            if not page.has_next:
                break
            if len(pages) > 1 and (page.digest == pages[-2].digest or page.size == 0):
                break  # it goes round in circles; the judgement below says so
            if len(pages) >= MOST_PAGES:
                raise SourceError(
                    "the pages of one answer do not end",
                    expected=f"at most {MOST_PAGES} pages",
                    found="still another page",
                    source=self.base_url + path,
                    action="run again later; if it stays, report it to the source with this address",
                )
        result = judge(pages, key_of)
        if pages[-1].has_next and not result.faults:
            result.faults.append(f"page {len(pages)} is empty although another follows")
        result.odd_objects = odd
        if also is not None:
            also(result)
        return result

    def _page(self, path: str, number: int, asked: Asked, attempts: int | None) -> Page:
        had = self._had(path, number)
        if had is not None:
            return had
        params = {"page": number, "per_page": PER_PAGE}
        held: list[Page] = []

        def check(body: bytes) -> None:
            held[:] = [read_page(body, path)]

        answer = self.transport.get(path, params, check=check, attempts=attempts)
        self._record(answer, params, asked, path)
        if answer.out_of_time:
            raise SourceUnavailableError(
                "the source answers so slowly that the time for one fetch is over",
                expected=f"all answers within {self.transport.total / 60:g} minutes (AME_FETCH_MINUTES)",
                found=f"{answer.error} (after {self._writer.n_requests} requests)",
                source=answer.url,
                action="run again when the source is quicker, or raise AME_FETCH_MINUTES",
            )
        if answer.unreachable:
            raise SourceUnavailableError(
                "the source cannot be reached",
                expected=f"an answer from {self.base_url}",
                found=f"{answer.error} ({answer.attempts} attempts)",
                source=answer.url,
                action="check AME_KOLADA_URL and the network (proxy, DNS, firewall), then run again",
            )
        if answer.error is not None:
            raise _failure(answer, path)
        return held[0]

    def _had(self, path: str, number: int) -> Page | None:
        """Return a page that landed before the fetch was interrupted; None when it has to be asked for."""
        if self._landed is None:
            return None
        with self._lock:
            body = self._landed.take(path, number)
        return None if body is None else read_page(body, path)

    def _record(self, answer: Answer, params: dict[str, int], asked: Asked, path: str) -> None:
        outcome: dict[str, Any] = {
            "url": answer.url,
            "params": params,
            "status": answer.status,
            "headers": answer.headers,
            "bytes": None if answer.body is None else len(answer.body),
            "sha256": None if answer.body is None else self._writer.objects.put(answer.body),
            "started_at": answer.started_at.isoformat(),
            "duration_s": answer.duration_s,
            "attempts": answer.attempts,
            "error": answer.error,
            "kpi_ids": list(asked.kpi_ids),
            "municipality_ids": list(asked.municipality_ids),
            "page": params["page"],
            "path": path,
        }
        self._writer.record(outcome)


def _judge_answer(result: PageSet, asked: Asked) -> None:
    """Add the faults that show only against what was asked: a gender twice, another question's answer."""
    kpis, places = set(asked.kpi_ids), set(asked.municipality_ids)
    answered = False
    for record in result.values:
        key = data_key(record)
        if key is None:
            continue
        in_scope = record["kpi"] in kpis and record["municipality"] in places
        answered = answered or in_scope
        if in_scope and genders_clash(record):
            result.faults.append(f"record {key_text(key)} holds a gender twice, with different content")
            return
    if result.values and not answered:
        result.faults.append(f"none of the {len(result.values)} records belongs to what was asked for")


def _failure(answer: Answer, path: str) -> RequestFailedError:
    status = answer.status or 0
    refused = 400 <= status < 500 and status != 429  # noqa: PLR2004 - 4xx but "too many requests"
    another_page = status == 200 and answer.body is not None  # noqa: PLR2004
    wrong_address = path == "/kpi" and (refused or another_page)
    error = RequestFailedError(
        "the address does not answer as Kolada API v3 does"
        if wrong_address
        else "the source gave no usable answer",
        expected="the KPI catalogue at /kpi" if wrong_address else "status 200 with a page of Kolada API v3",
        found=f"{answer.error} (attempts: {answer.attempts})",
        source=answer.url,
        action="correct AME_KOLADA_URL; it ends in /v3, as https://api.kolada.se/v3 does"
        if wrong_address
        else "run again later; landing/kolada/*/requests.jsonl has every request",
    )
    error.status = answer.status
    error.passing = not refused and not another_page
    error.slow = "timeout" in (answer.error or "") or "no whole answer" in (answer.error or "")
    return error
