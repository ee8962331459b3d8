"""One fetch from one Kolada server: what fails is found and left out, everything else arrives whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ame_warehouse.errors import SourceError, SourceUnavailableError
from ame_warehouse.kolada import group_values
from ame_warehouse.kolada.client import KoladaClient
from ame_warehouse.kolada.pages import PageSet, id_key
from ame_warehouse.kolada.plan import Question, questions
from ame_warehouse.kolada.transport import StopFetchError
from ame_warehouse.kolada.verdicts import Verdicts
from ame_warehouse.landing import resume
from ame_warehouse.landing.index import held_values
from ame_warehouse.landing.metadata import source_group_ids
from ame_warehouse.landing.store import FetchWriter, clock_note, new_fetch_id, next_moment
from ame_warehouse.seeds import CatalogueKpi
from ame_warehouse.settings import Settings

Progress = Callable[[int, int, str], None]


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
        self._notes: list[dict[str, Any]] = []
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
        verdicts = Verdicts(
            held_values(self._settings, self._order.mode, self._known, asked),
            self._client.base_url,
            self._settings.kolada_connections,
            self._client.halved_attempts,
        )
        plan = questions(asked, self._order.municipality_ids, self._order.years)
        self._tick(len(plan))
        self._ask(plan, verdicts)
        measures = verdicts.measures(self._order.kpis, listed)
        self._refuse_nothing(measures)
        means: group_values.GroupSets = []
        if not verdicts.is_gone:
            whole = [one["kpi_id"] for one in measures if one["outcome"] == "complete"]
            means, notes = group_values.ask(self._client, whole, group_ids, self._order.years)
            self._notes += notes
        described = {
            "catalogue_objects": catalogue.objects,
            "place_objects": [sha for one in places for sha in one.objects],
            "group_objects": [sha for one in groups for sha in one.objects],
        }
        return self._finish(verdicts.sets(), measures, described, means)

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

    def _ask(self, plan: list[Question], verdicts: Verdicts) -> None:
        """Ask every question; split those that fail until each guilty KPI stands alone."""
        waiting = deque(plan)
        running: dict[Future[list[Question]], Question] = {}
        with ThreadPoolExecutor(self._settings.kolada_connections) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < self._settings.kolada_connections:
                        if verdicts.is_gone:
                            verdicts.give_up(waiting.popleft())
                            continue
                        question = waiting.popleft().without(verdicts.failed_kpis)
                        if question is not None:
                            running[pool.submit(self._answer, question, verdicts)] = question
                    for future in wait(running, timeout=1.0, return_when=FIRST_COMPLETED).done:
                        del running[future]
                        waiting.extendleft(reversed(future.result()))
                    self._tick(len(waiting) + len(running))
            except BaseException:
                self._client.stop()
                raise

    def _answer(self, question: Question, verdicts: Verdicts) -> list[Question]:
        """Ask one question; return the questions to ask instead if it failed or is in doubt."""
        try:
            result = self._client.data(question, lambda records: verdicts.doubt(question, records))
        except StopFetchError:
            raise
        except SourceUnavailableError as exc:
            verdicts.unavailable(question, exc)
            return []
        except SourceError as exc:
            return verdicts.refused(question, exc)
        return verdicts.answered(question, result)

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
        sets: list[tuple[Question, PageSet]],
        measures: list[dict[str, Any]],
        described: dict[str, list[str]],
        means: group_values.GroupSets,
    ) -> dict[str, Any]:
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
            **described,
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
