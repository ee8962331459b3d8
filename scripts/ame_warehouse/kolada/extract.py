"""One fetch from one Kolada server: what fails is found and left out, everything else arrives whole."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ame_warehouse.errors import SourceError, SourceUnavailableError
from ame_warehouse.kolada import group_values
from ame_warehouse.kolada.client import KoladaClient, RequestFailedError
from ame_warehouse.kolada.pages import PageSet, data_key, id_key
from ame_warehouse.kolada.plan import Question, questions
from ame_warehouse.kolada.transport import StopFetchError
from ame_warehouse.landing import resume
from ame_warehouse.landing.index import Held, held_values
from ame_warehouse.landing.metadata import source_group_ids
from ame_warehouse.landing.store import FetchWriter, clock_note, new_fetch_id, next_moment
from ame_warehouse.seeds import CatalogueKpi
from ame_warehouse.settings import Settings

Progress = Callable[[int, int, str], None]
FAILURES_PER_CONNECTION = 10
MOST_FAILURES = 50
SLOW_WEIGHT = 10
SIZE_STATUS = frozenset({200, 413, 414})


@dataclass(frozen=True)
class Order:
    """What one fetch is to bring.

    Args:
        kpis: catalogue rows to ask for.
        municipality_ids: places, sorted.
        years: years, sorted; None = all.
        mode: `live` or `sample`.
        vintage: the day whose knowledge the source shows (sample only).
    """

    kpis: Sequence[CatalogueKpi]
    municipality_ids: Sequence[str]
    years: Sequence[int] | None
    mode: str
    vintage: str | None = None

    def asked(self, base_url: str) -> dict[str, Any]:
        """Return the order to one server as it is written beside the fetch."""
        return {
            "mode": self.mode,
            "base_url": base_url.rstrip("/"),
            "vintage": self.vintage,
            "kpi_ids": [kpi.kpi_id for kpi in self.kpis],
            "municipality_ids": list(self.municipality_ids),
            "years": None if self.years is None else list(self.years),
        }


@dataclass
class _State:
    """What the fetch knows so far; guarded by `lock`."""

    sets: list[tuple[Question, PageSet]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    n_records: Counter[str] = field(default_factory=Counter)
    poison: set[str] = field(default_factory=set)  # places that no single measure could be fetched for
    failures: int = 0  # weight of passing failures since the last answer
    gone: str | None = None  # why the source is no longer asked
    lock: threading.Lock = field(default_factory=threading.Lock)


class Extract:
    """Runs one fetch and writes it to the landing.

    `run` returns the fetch.json. It raises `SourceUnavailableError` when the source cannot be reached,
    `SourceError` when the catalogue cannot be read or nothing at all could be fetched; then no fetch becomes
    visible.
    """

    def __init__(
        self, settings: Settings, base_url: str, order: Order, progress: Progress | None = None
    ) -> None:
        self._settings = settings
        self._order = order
        self._progress = progress
        asked = order.asked(base_url)
        begun = resume.find(settings.landing, asked)
        self._started, behind = (begun.started_at, None) if begun else next_moment(settings.landing)
        known = max(datetime.now(UTC), self._started) if begun else self._started
        self._known = datetime.fromisoformat(order.vintage).replace(tzinfo=UTC) if order.vintage else known
        fetch_id = begun.fetch_id if begun else new_fetch_id(self._started)
        landed = resume.Landed(settings.landing, fetch_id) if begun else None
        asked["started_at"] = self._started.isoformat()
        self._writer = FetchWriter(
            settings.landing, fetch_id, order=asked, records=landed.records if landed else None
        )
        polite = order.mode == "live"
        self._client = KoladaClient(settings, base_url, self._writer, polite=polite, landed=landed)
        self._state = _State()
        self._notes: list[dict[str, Any]] = []
        self._held = Held({})
        if behind is not None:
            self._notes.append({"kind": "clock_behind", "severity": "warning", **clock_note(behind)})

    def run(self) -> dict[str, Any]:
        """Fetch, write, and return the fetch.json."""
        try:
            return self._run()
        except SourceUnavailableError:
            raise  # what has landed is of use when the source is back
        except SourceError:
            self._writer.forget()
            raise
        finally:
            self._client.close()
            self._writer.close()

    @property
    def n_requests(self) -> int:
        """Requests recorded so far."""
        return self._writer.n_requests

    def _tick(self, left: int) -> None:
        """Tell how far the fetch is: requests made, and at least so many to come."""
        if self._progress is not None:
            done = self._writer.n_requests
            label = f"Kolada {self._order.vintage}" if self._order.vintage else "Kolada"
            self._progress(done, done + left, label)

    def _run(self) -> dict[str, Any]:
        catalogue = self._client.kpis()
        self._note_set("/kpi", catalogue)
        listed = {key for key in map(id_key, catalogue.values) if key is not None}
        asked = [kpi.kpi_id for kpi in self._order.kpis if kpi.kpi_id in listed]
        if not asked:
            raise self._no_kpi(len(listed))
        places = self._optional("/municipality", "place_drift", lambda: [self._client.municipalities()])
        group_ids = source_group_ids(self._settings)
        groups = self._optional(
            "/municipality_groups", "group_drift", lambda: self._client.groups(group_ids) if group_ids else []
        )
        self._held = held_values(self._settings, self._order.mode, self._known, asked)
        plan = questions(asked, self._order.municipality_ids, self._order.years)
        self._tick(len(plan))
        self._ask(plan)
        measures = self._measures(listed)
        self._refuse_nothing(measures)
        means: group_values.GroupSets = []
        if self._state.gone is None:
            whole = [one["kpi_id"] for one in measures if one["outcome"] == "complete"]
            means, notes = group_values.ask(self._client, whole, group_ids, self._order.years)
            self._notes += notes
        return self._finish(catalogue, places, groups, measures, means)

    def _no_kpi(self, n_listed: int) -> SourceError:
        wanted = ", ".join(kpi.kpi_id for kpi in self._order.kpis[:5])
        return SourceError(
            "the source's catalogue knows none of the KPIs that were asked for",
            expected=f"{wanted}{' …' if len(self._order.kpis) > 5 else ''}",  # noqa: PLR2004
            found=f"{n_listed} other KPIs",
            source=self._client.base_url + "/kpi",
            action="check that AME_KOLADA_URL is Kolada's API v3; ids that are retired cannot be fetched; "
            "nothing was stored as fetched",
        )

    def _optional(self, path: str, kind: str, ask: Callable[[], list[PageSet]]) -> list[PageSet]:
        """Return page sets that a fetch can do without; a failure becomes a finding."""
        try:
            found = ask()
        except (SourceUnavailableError, StopFetchError):
            raise
        except SourceError as exc:
            self._notes.append(
                {
                    "kind": kind,
                    "severity": "warning",
                    "expected": f"an answer from {path}",
                    "found": "no usable answer; the seeds stay in use",
                    "detail": str(exc),
                }
            )
            return []
        for one in found:
            self._note_set(path, one)
        return found

    def _note_set(self, path: str, result: PageSet, kpi_id: str | None = None) -> None:
        notes = [note for note in result.notes if not note.startswith("record")] or result.notes[:1]
        for note in dict.fromkeys(notes[:3]):
            self._notes.append(
                {
                    "kind": "page_set",
                    "severity": "info",
                    "expected": "pages that add up",
                    "found": note,
                    "detail": path,
                    "kpi_id": kpi_id,
                }
            )

    def _ask(self, plan: list[Question]) -> None:
        """Ask every question; split those that fail until each guilty KPI stands alone."""
        waiting = deque(plan)
        running: dict[Future[list[Question]], Question] = {}
        with ThreadPoolExecutor(self._settings.kolada_connections) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < self._settings.kolada_connections:
                        if self._state.gone is not None:
                            self._give_up(waiting.popleft())
                            continue
                        question = waiting.popleft().without(set(self._state.failed))
                        if question is not None:
                            running[pool.submit(self._answer, question)] = question
                    for future in wait(running, timeout=1.0, return_when=FIRST_COMPLETED).done:
                        del running[future]
                        waiting.extendleft(reversed(future.result()))
                    self._tick(len(waiting) + len(running))
            except BaseException:
                self._client.stop()
                raise

    def _answer(self, question: Question) -> list[Question]:
        """Ask one question; return the smaller questions to ask instead if it failed."""
        try:
            result = self._client.data(question, lambda records: self._doubt(question, records))
        except StopFetchError:
            raise
        except SourceUnavailableError as exc:
            with self._state.lock:
                if not self._state.sets:
                    raise
                self._state.gone = self._state.gone or exc.brief
            self._give_up(question)
            return []
        except SourceError as exc:
            return self._failed(question, exc)
        per_kpi = Counter(record["kpi"] for record in result.values if data_key(record) is not None)
        with self._state.lock:
            self._state.failures = 0
            lost = self._lost(question, result.values)
            silent = {kpi_id for kpi_id in lost if not per_kpi[kpi_id]}
            if silent and silent != lost.keys() and not result.is_misshapen:
                return question.apart(set(lost))  # is it the measure that is silent, or the answer?
            if result.is_misshapen or silent:
                for kpi_id, held in lost.items():
                    self._state.failed.setdefault(kpi_id, _gone_silent(question, held, per_kpi[kpi_id]))
            self._state.n_records.update({kpi_id: per_kpi[kpi_id] for kpi_id in question.kpi_ids})
            result.values = []  # they are in the landing; only the figures above are needed
            self._state.sets.append((question, result))
        return []

    def _doubt(self, question: Question, records: list[Any]) -> str | None:
        """Return the first cell that had a value and is not answered any more; a reason to ask once more."""
        for kpi_id, (place, year) in self._lost(question, records).items():
            return f"{kpi_id} has no record for {place} {year}, which had a value before"
        return None

    def _lost(self, question: Question, records: list[Any]) -> dict[str, tuple[str, int]]:
        """Return, for each KPI that lacks any, a cell that had a value and is not answered any more.

        One that is asked for twice and lacks in both answers is withdrawn; but when a KPI has fallen silent,
        or the pages are misshapen, nothing that this answer lacks is believed.
        """
        answered: dict[str, set[tuple[str, int]]] = {}
        for record in records:
            if data_key(record) is not None and str(record["period"]).isdigit():
                cell = (record["municipality"], int(record["period"]))
                answered.setdefault(record["kpi"], set()).add(cell)
        found = {
            kpi_id: self._held.lacking(
                kpi_id, question.municipality_ids, question.years, answered.get(kpi_id, ())
            )
            for kpi_id in question.kpi_ids
        }
        return {kpi_id: cell for kpi_id, cell in found.items() if cell is not None}

    def _failed(self, question: Question, exc: SourceError) -> list[Question]:
        passing = isinstance(exc, RequestFailedError) and exc.passing
        slow = isinstance(exc, RequestFailedError) and exc.slow
        with self._state.lock:
            if passing:
                self._state.failures += SLOW_WEIGHT if slow else 1
            limit = MOST_FAILURES + FAILURES_PER_CONNECTION * self._settings.kolada_connections
            if self._state.sets and self._state.failures >= limit:
                self._state.gone = self._state.gone or exc.brief
            elif self._state.failures >= limit:
                raise SourceUnavailableError(
                    "the source answers no question about data",
                    expected="an answer to at least one question",
                    found=exc.brief,
                    source=self._client.base_url,
                    action="try again later; if it stays, look at the source's own status",
                ) from exc
            if len(question.kpi_ids) == 1 and (len(question.municipality_ids) == 1 or not _may_be_size(exc)):
                where = ", ".join(question.municipality_ids[:3])
                more = " …" if len(question.municipality_ids) > 3 else ""  # noqa: PLR2004
                self._state.failed.setdefault(question.kpi_ids[0], f"{exc.brief} (places {where}{more})")
                if len(question.municipality_ids) == 1:
                    self._state.poison.update(question.municipality_ids)
                return []
            poison = set(self._state.poison)
        if self._state.gone is not None:
            self._give_up(question)
            return []
        if len(question.kpi_ids) == 1:
            return question.place_parts(poison, self._client.halved_attempts)
        return question.halves(self._client.halved_attempts)

    def _give_up(self, question: Question) -> None:
        """Count the measures of a question as failed: the source has stopped answering in mid-fetch.

        What is whole by then is kept; nothing of the others is used.
        """
        with self._state.lock:
            for kpi_id in question.kpi_ids:
                self._state.failed.setdefault(
                    kpi_id, f"the source stopped answering before this measure was whole: {self._state.gone}"
                )

    def _measures(self, listed: set[Any]) -> list[dict[str, Any]]:
        rows = []
        for kpi in sorted(self._order.kpis, key=lambda one: one.kpi_id):
            error: str | None = None
            if kpi.kpi_id not in listed:
                outcome = "unknown_id" if kpi.is_current else "retired"
                if kpi.is_current:
                    error = "the source's catalogue does not list this KPI; it was not asked for"
            elif kpi.kpi_id in self._state.failed:
                outcome, error = "failed", self._state.failed[kpi.kpi_id]
            else:
                outcome = "complete" if self._state.n_records[kpi.kpi_id] else "empty"
            objects = [
                sha
                for question, result in self._sorted_sets()
                if kpi.kpi_id in question.kpi_ids
                for sha in result.objects
            ]
            rows.append(
                {
                    "kpi_id": kpi.kpi_id,
                    "outcome": outcome,
                    "error": error,
                    "n_records": self._state.n_records[kpi.kpi_id],
                    "objects": objects,
                }
            )
        return rows

    def _sorted_sets(self) -> list[tuple[Question, PageSet]]:
        return sorted(
            self._state.sets,
            key=lambda one: (one[0].municipality_ids, one[0].years or (), one[0].kpi_ids),
        )

    def _refuse_nothing(self, measures: list[dict[str, Any]]) -> None:
        if any(one["outcome"] in ("complete", "empty") for one in measures):
            return
        first = next((one for one in measures if one["outcome"] == "failed"), measures[0])
        raise SourceError(
            "no measure could be fetched",
            expected=f"a complete answer for at least one of {len(measures)} KPIs",
            found=f"{first['kpi_id']}: {first['error']}",
            source=self._client.base_url,
            action="see what was found; run again when the source answers; nothing was stored as fetched",
        )

    def _finish(
        self,
        catalogue: PageSet,
        places: list[PageSet],
        groups: list[PageSet],
        measures: list[dict[str, Any]],
        means: group_values.GroupSets,
    ) -> dict[str, Any]:
        sets = self._sorted_sets()
        for question, result in sets:
            self._note_set(question.path, result)
        fetch: dict[str, Any] = {
            "fetch_id": self._writer.fetch_id,
            "source": "kolada",
            **self._order.asked(self._client.base_url),
            "fetched_at": self._known.isoformat(),
            "started_at": self._started.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            "measures": measures,
            "catalogue_objects": catalogue.objects,
            "place_objects": [sha for one in places for sha in one.objects],
            "group_objects": [sha for one in groups for sha in one.objects],
            "sets": [
                {
                    "kpi_ids": list(question.kpi_ids),
                    "municipality_ids": list(question.municipality_ids),
                    "years": None if question.years is None else list(question.years),
                    "objects": result.objects,
                }
                for question, result in sets
            ],
            "group_value_sets": means,
            "odd_objects": sorted({sha for _, result in sets for sha in result.odd_objects}),
            "findings": self._notes,
            "n_requests": self._writer.n_requests,
        }
        self._writer.finish(fetch)
        return fetch


def _may_be_size(exc: SourceError) -> bool:
    """Return whether a smaller question may succeed: an answer came and broke off, or was too large."""
    return isinstance(exc, RequestFailedError) and not exc.slow and exc.status in SIZE_STATUS


def _gone_silent(question: Question, held: tuple[str, int], n_records: int) -> str:
    answer = "lacks pages or whole measures, and records of this one" if n_records else "is empty"
    return (
        f"the answer for places {question.municipality_ids[0]}–{question.municipality_ids[-1]} {answer}, "
        f"although an earlier fetch had values there (for example {held[0]} {held[1]}); "
        "the values we have are kept"
    )
