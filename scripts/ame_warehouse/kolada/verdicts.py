"""What a fetch believes of each answer: whole, to be asked again in smaller parts, or failed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ame_warehouse.errors import SourceError, SourceUnavailableError
from ame_warehouse.kolada.client import RequestFailedError
from ame_warehouse.kolada.pages import PageSet, data_key
from ame_warehouse.kolada.plan import Question
from ame_warehouse.landing.index import Held
from ame_warehouse.seeds import CatalogueKpi

FAILURES_PER_CONNECTION = 10
MOST_FAILURES = 50
SLOW_WEIGHT = 10
SIZE_STATUS = frozenset({200, 413, 414})


class Verdicts:
    """What one fetch knows so far of its questions. Several threads may use it at once.

    Args:
        held: the values that earlier fetches brought.
        base_url: the source, for errors.
        connections: requests at a time.
        halved_attempts: attempts of a question that was cut out of a failed one.
    """

    def __init__(self, held: Held, base_url: str, connections: int, halved_attempts: int) -> None:
        self._held = held
        self._base_url = base_url
        self._limit = MOST_FAILURES + FAILURES_PER_CONNECTION * connections
        self._halved_attempts = halved_attempts
        self._sets: list[tuple[Question, PageSet]] = []
        self._failed: dict[str, str] = {}
        self._n_records: Counter[str] = Counter()
        self._poison: set[str] = set()  # places that no single measure could be fetched for
        self._failures = 0  # weight of passing failures since the last answer
        self._gone: str | None = None  # why the source is no longer asked
        self._lock = threading.Lock()

    @property
    def is_gone(self) -> bool:
        """True when the source has stopped answering in mid-fetch: nothing more is asked."""
        return self._gone is not None

    @property
    def failed_kpis(self) -> set[str]:
        """The KPIs that have failed: nothing more is asked of them."""
        return set(self._failed)

    def sets(self) -> list[tuple[Question, PageSet]]:
        """Return the questions that were answered, with their pages, in an order of their own."""
        return sorted(
            self._sets,
            key=lambda one: (one[0].municipality_ids, one[0].years or (), one[0].kpi_ids),
        )

    def doubt(self, question: Question, records: list[Any]) -> str | None:
        """Return the first cell that had a value and is not answered any more; a reason to ask once more."""
        for kpi_id, (place, year) in self._lost(question, records).items():
            return f"{kpi_id} has no record for {place} {year}, which had a value before"
        return None

    def answered(self, question: Question, result: PageSet) -> list[Question]:
        """Take an answer; return the questions to ask instead when it cannot be believed as it is."""
        per_kpi = Counter(record["kpi"] for record in result.values if data_key(record) is not None)
        with self._lock:
            self._failures = 0
            lost = self._lost(question, result.values)
            silent = {kpi_id for kpi_id in lost if not per_kpi[kpi_id]}
            if silent and silent != lost.keys() and not result.is_misshapen:
                return question.apart(set(lost))  # is it the measure that is silent, or the answer?
            if result.is_misshapen or silent:
                for kpi_id, held in lost.items():
                    self._failed.setdefault(kpi_id, _gone_silent(question, held, per_kpi[kpi_id]))
            self._n_records.update({kpi_id: per_kpi[kpi_id] for kpi_id in question.kpi_ids})
            result.values = []  # they are in the landing; only the figures above are needed
            self._sets.append((question, result))
        return []

    def unavailable(self, question: Question, exc: SourceUnavailableError) -> None:
        """The source is away: with answers at hand the fetch ends early, without any `exc` is raised."""
        with self._lock:
            if not self._sets:
                raise exc
            self._gone = self._gone or exc.brief
        self.give_up(question)

    def refused(self, question: Question, exc: SourceError) -> list[Question]:
        """Take a failure; return the smaller questions to ask instead, none when the guilty is found.

        Raises `SourceUnavailableError` when the source has answered nothing, and failed too often.
        """
        with self._lock:
            self._weigh(exc)
            if len(question.kpi_ids) == 1 and (len(question.municipality_ids) == 1 or not _may_be_size(exc)):
                where = ", ".join(question.municipality_ids[:3])
                more = " …" if len(question.municipality_ids) > 3 else ""  # noqa: PLR2004
                self._failed.setdefault(question.kpi_ids[0], f"{exc.brief} (places {where}{more})")
                if len(question.municipality_ids) == 1:
                    self._poison.update(question.municipality_ids)
                return []
            poison = set(self._poison)
        if self.is_gone:
            self.give_up(question)
            return []
        if len(question.kpi_ids) == 1:
            return question.place_parts(poison, self._halved_attempts)
        return question.halves(self._halved_attempts)

    def _weigh(self, exc: SourceError) -> None:
        """Count a failure that may pass; too many in a row, and the source is given up."""
        if isinstance(exc, RequestFailedError) and exc.passing:
            self._failures += SLOW_WEIGHT if exc.slow else 1
        if self._failures < self._limit:
            return
        if not self._sets:
            raise SourceUnavailableError(
                "the source answers no question about data",
                expected="an answer to at least one question",
                found=exc.brief,
                source=self._base_url,
                action="try again later; if it stays, look at the source's own status",
            ) from exc
        self._gone = self._gone or exc.brief

    def give_up(self, question: Question) -> None:
        """Count the measures of a question as failed: the source has stopped answering in mid-fetch.

        What is whole by then is kept; nothing of the others is used.
        """
        with self._lock:
            for kpi_id in question.kpi_ids:
                self._failed.setdefault(
                    kpi_id, f"the source stopped answering before this measure was whole: {self._gone}"
                )

    def measures(self, kpis: Sequence[CatalogueKpi], listed: set[Any]) -> list[dict[str, Any]]:
        """Return what became of each measure: kpi_id, outcome, error, n_records, objects; by KPI.

        `listed` has the ids of the source's catalogue. The outcomes are complete, empty, failed, retired
        and unknown_id.
        """
        return [self._measure(kpi, listed) for kpi in sorted(kpis, key=lambda one: one.kpi_id)]

    def _measure(self, kpi: CatalogueKpi, listed: set[Any]) -> dict[str, Any]:
        error: str | None = None
        if kpi.kpi_id not in listed:
            outcome = "unknown_id" if kpi.is_current else "retired"
            if kpi.is_current:
                error = "the source's catalogue does not list this KPI; it was not asked for"
        elif kpi.kpi_id in self._failed:
            outcome, error = "failed", self._failed[kpi.kpi_id]
        else:
            outcome = "complete" if self._n_records[kpi.kpi_id] else "empty"
        return {
            "kpi_id": kpi.kpi_id,
            "outcome": outcome,
            "error": error,
            "n_records": self._n_records[kpi.kpi_id],
            "objects": [
                sha
                for question, result in self.sets()
                if kpi.kpi_id in question.kpi_ids
                for sha in result.objects
            ],
        }

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
