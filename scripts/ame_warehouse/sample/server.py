"""A loopback server that speaks Kolada API v3: the sample source, and the test double of all tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from ame_warehouse.sample.dataset import Dataset, Record
from ame_warehouse.sample.faults import Fault
from ame_warehouse.sample.loopback import LoopbackServer, QuietHandler
from ame_warehouse.sample.sending import send
from ame_warehouse.sample.tables import vintages
from ame_warehouse.settings import Settings

LIST_LIMIT = 25
PER_PAGE = 5000
DATA_PARAMETERS = {"kpi": "kpi_id", "municipality": "municipality_id", "year": "year"}
Query = dict[str, list[str]]


class Refused(Exception):  # noqa: N818 - an answer, not a fault of ours
    """The request gets this status and text."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class _Handler(QuietHandler):
    server_version = "KoladaV3Sample"
    server_side: KoladaServer

    def reply(self) -> None:
        """Answer a request, with the faults that hit it."""
        _, faults = self.server_side.note(self.path)
        try:
            envelope, status = self.server_side.answer(self.path, faults), 200
        except Refused as refused:
            envelope, status = {"detail": refused.detail}, refused.status
        send(self, envelope, status, faults, self.server_side)


class KoladaServer(LoopbackServer[Dataset]):
    """Serves datasets on 127.0.0.1 while the `with` block lasts.

    Args:
        mounts: {path prefix: dataset}; one dataset alone is served under `/v3`.
        faults: see `Fault`; can be changed while the server runs.
        per_page: largest page; Kolada's is 5,000, tests may take less to get many pages.

    `requests` lists the path and query of every request, in order of arrival.
    """

    handler = _Handler

    def __init__(
        self,
        mounts: Dataset | Mapping[str, Dataset],
        faults: Sequence[Fault] = (),
        *,
        per_page: int = PER_PAGE,
    ) -> None:
        super().__init__({"/v3": mounts} if isinstance(mounts, Dataset) else dict(mounts), faults)
        self.per_page = per_page
        self.requests: list[str] = []
        self._lock = threading.Lock()

    def url(self, prefix: str = "/v3") -> str:
        """Return the base address of a mount."""
        return f"{self.host}{prefix}"

    def note(self, target: str) -> tuple[int, list[Fault]]:
        """Record a request; return its number and the faults that hit it."""
        with self._lock:
            self.requests.append(target)
            number = len(self.requests)
        return number, [fault for fault in self.faults if fault.strikes(number, target)]

    def answer(self, target: str, faults: Sequence[Fault] = ()) -> Record:
        """Return the envelope for a path with query, with the faults that change what is found."""
        kinds = [fault.kind for fault in faults]
        page_shift = kinds.count("skip_page") - kinds.count("repeat_page")
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        for prefix, dataset in self.mounts.items():
            if parts.path == prefix or parts.path.startswith(prefix + "/"):
                route = [unquote(part) for part in parts.path[len(prefix) :].split("/") if part]
                found = _route(dataset, route, query)[kinds.count("shift") :]
                if "reorder" in kinds:
                    found = found[::-1]
                return self._page(found, parts.path, query, page_shift)
        raise Refused(404, "Not Found")

    def _page(self, found: list[Record], path: str, query: Query, shift: int) -> Record:
        page, size = _number(query, "page", 1), _number(query, "per_page", self.per_page)
        if not 1 <= size <= PER_PAGE:
            raise Refused(422, f"per_page must be 1 to {PER_PAGE}")
        if page < 1:
            raise Refused(422, "page must be 1 or more")
        size = min(size, self.per_page)
        shown = max(1, page + shift)
        values = found[(shown - 1) * size : shown * size]

        def link(number: int) -> str:
            return f"{self.host}{path}?" + urlencode(
                query | {"page": [str(number)], "per_page": [str(size)]}, doseq=True
            )

        return {
            "values": values,
            "next_url": link(page + 1) if shown * size < len(found) else None,
            "previous_url": link(page - 1) if page > 1 else None,
            "count": len(values),
        }


def _number(query: Query, name: str, default: int) -> int:
    text = query.get(name, [str(default)])[-1]
    if not text.lstrip("-").isdigit():
        raise Refused(422, f"{name} must be a whole number")
    return int(text)


def _ids(text: str) -> list[str]:
    ids = [part.strip() for part in text.split(",") if part.strip()]
    if len(ids) > LIST_LIMIT:
        raise Refused(422, f"at most {LIST_LIMIT} items in a list, got {len(ids)}")
    return ids


def _route(dataset: Dataset, route: list[str], query: Query) -> list[Record]:
    """Return all records of a route, before paging."""
    lists = {
        "kpi": dataset.kpis,
        "municipality": dataset.municipalities,
        "municipality_groups": dataset.groups,
        "kpi_groups": [],
    }
    if route and route[0] == "data":
        return _data(dataset, route[1:], query)
    if not route or route[0] not in lists or len(route) > 2:  # noqa: PLR2004 - list, or list and ids
        raise Refused(404, "Not Found")
    found = lists[route[0]]
    if len(route) == 2:  # noqa: PLR2004
        ids = set(_ids(route[1]))
        return [record for record in found if record["id"] in ids]
    if "title" in query:
        wanted = query["title"][-1].lower()
        found = [record for record in found if wanted in str(record["title"]).lower()]
    if route[0] == "municipality" and "region_type" in query:
        kind = {"municipality": "K", "region": "L"}.get(query["region_type"][-1], query["region_type"][-1])
        found = [record for record in found if record["type"] == kind]
    return found


def _data(dataset: Dataset, route: list[str], query: Query) -> list[Record]:
    chosen: dict[str, list[str]] = {}
    if not route:
        for name, parameter in DATA_PARAMETERS.items():
            given = [part for text in query.get(parameter, []) for part in text.split(",") if part]
            if given:
                chosen[name] = _ids(",".join(given))
        if len(chosen) < 2:  # noqa: PLR2004 - a misspelt parameter is ignored, and then nothing is found
            return []
    else:
        names = route[::2]
        if len(route) % 2 or names not in (
            ["kpi", "municipality", "year"],
            ["kpi", "municipality"],
            ["kpi", "year"],
            ["municipality", "year"],
        ):
            raise Refused(404, "Not Found")
        chosen = {name: _ids(text) for name, text in zip(names, route[1::2], strict=True)}
    years = [int(year) for year in chosen["year"] if year.isdigit()] if "year" in chosen else None
    return dataset.data(chosen.get("kpi"), chosen.get("municipality"), years)


@contextmanager
def serve_sample(settings: Settings) -> Iterator[KoladaServer]:
    """Serve the bundled vintages on loopback, one base address per vintage (`/vintage/<date>/v3`)."""
    mounts = {f"/vintage/{date}/v3": state for date, state in vintages(settings).items()}
    with KoladaServer(mounts) as server:
        yield server
