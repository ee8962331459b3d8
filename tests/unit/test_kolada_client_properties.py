"""However a source cuts, orders, repeats or skips its pages: the same records come out, or a typed error."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Cases

from ame_warehouse.errors import SourceError
from ame_warehouse.kolada.client import KoladaClient
from ame_warehouse.kolada.plan import Question
from ame_warehouse.kolada.transport import Answer
from ame_warehouse.landing.store import FetchWriter, new_fetch_id
from ame_warehouse.settings import Settings

PLACES = tuple(f"{number:04d}" for number in range(12))
EXAMPLES = 250
QUESTION = Question(("U40800",), PLACES, None)
# What a client cannot see is not here: a whole answer that is empty (the fetch knows that it held values, see
# test_kolada_fetch), and the same last page missing twice in a row.
LOSSES = ("skip", "empty")
KINDS = ("shuffle", "repeat", "skip", "empty", "twice", "changed", "less", "html", "count")


def record(place: str, number: float | None) -> dict[str, Any]:
    value = {"gender": "T", "count": 1, "status": "", "value": number, "isdeleted": False}
    return {"values": [value], "kpi": "U40800", "period": 2022, "municipality": place}


class Pages:
    """Stands where the transport stands: serves pages of records; some requests are answered wrongly."""

    def __init__(
        self, records: list[Any], size: int, faults: dict[int, str], order: list[int], *, total_count: bool
    ) -> None:
        self.records, self.size, self.faults, self.order = records, size, faults, order
        self.total_count = total_count
        self.requests = 0

    def get(
        self, path: str, params: dict[str, int], *, check: Callable[[bytes], None], attempts: int | None
    ) -> Answer:
        self.requests += 1
        answer = Answer(url=f"http://source.test{path}", attempts=1)
        answer.started_at = datetime.now(UTC)
        body = self._body(path, params["page"], self.faults.get(self.requests))
        answer.status, answer.body = 200, body
        try:
            check(body)
        except ValueError as exc:
            answer.error = str(exc)
        return answer

    def close(self) -> None:
        """Nothing is open."""

    def _body(self, path: str, number: int, fault: str | None) -> bytes:
        records = list(self.records)
        if fault == "html":
            return b"<!DOCTYPE html><html><body>Closed</body></html>"
        if fault == "shuffle":
            records = [records[at] for at in self.order if at < len(records)]
        if fault == "repeat":
            number = max(1, number - 1)
        if fault == "skip":
            number += 1
        shown = records[(number - 1) * self.size : number * self.size]
        more = number * self.size < len(records)
        if fault == "empty" and (more or number > 1):
            shown = []
        elif fault == "twice" and shown:
            shown = [*shown, shown[0]]
        elif fault == "changed" and shown:
            shown = [*shown, record(shown[0]["municipality"], -1.0)]
        elif fault == "less" and more and self.total_count:
            shown = shown[:-1]
        count = len(records) if self.total_count else len(shown)
        envelope = {
            "values": shown,
            "next_url": f"http://elsewhere.test{path}?page={number + 1}&per_page=9" if more else None,
            "previous_url": f"http://elsewhere.test{path}?page={number - 1}" if number > 1 else None,
            "count": count + (fault == "count"),
        }
        return json.dumps(envelope).encode()


def ask(pages: Pages) -> list[Any] | None:
    """Return the records that the client brings, None when it ends with a typed error."""
    with tempfile.TemporaryDirectory() as folder:
        writer = FetchWriter(Path(folder), new_fetch_id(datetime.now(UTC)))
        client = KoladaClient(Settings(_env_file=None), "http://source.test", writer, polite=False)
        client.transport.close()
        client.transport = pages  # type: ignore[assignment]
        try:
            return client.data(QUESTION).values
        except SourceError as error:
            assert error.message
            assert error.action
            return None
        finally:
            writer.close()


RECORDS = st.dictionaries(
    st.sampled_from(PLACES), st.sampled_from([None, 0.0, 1.0, 2.5]), min_size=1, max_size=12
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(
    found=RECORDS,
    size=st.integers(1, 6),
    faults=st.dictionaries(st.integers(1, 6), st.sampled_from(KINDS), max_size=2),
    order=st.permutations(range(12)),
    total_count=st.booleans(),
)
def test_the_same_records_or_a_typed_error(  # noqa: PLR0917
    found: dict[str, float | None],
    size: int,
    faults: dict[int, str],
    order: list[int],
    total_count: bool,
    cases: Cases,
) -> None:
    cases.add()
    if sum(kind in LOSSES for kind in faults.values()) > 1:
        faults = dict(list(faults.items())[:1])
    records = [record(*item) for item in found.items()]
    came = ask(Pages(records, size, faults, order, total_count=total_count))
    if not faults:
        assert came == records
    if came is not None:
        assert {json.dumps(one, sort_keys=True) for one in came} == {
            json.dumps(one, sort_keys=True) for one in records
        }
