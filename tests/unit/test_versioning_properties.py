"""Any sequence of fetches keeps the promises of the history: the SQL of the project against plain Python."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Cases
from tests.unit.versioning_world import (
    Cell,
    Fetch,
    Models,
    Record,
    Version,
    expected_versions,
    overlaps,
)

PLACES, YEARS, GENDERS = ("a", "b"), (2020, 2021), ("T", "K")
CELLS = list(itertools.product(PLACES, YEARS, GENDERS))
SEQUENCES = 12  # in one example, each a measure of its own

RECORDS = st.builds(
    Record,
    value=st.sampled_from([None, 0.0, 1.0, 2.0]),
    status=st.sampled_from(["", "Missing", "Privacy", ".", "new text"]),
).flatmap(
    lambda record: st.sampled_from(
        [
            record,
            record,
            record,
            replace(record, is_deleted=True),
            replace(record, value=None, value_issue="not_a_number"),
        ]
    )
)


@st.composite
def fetches(draw: st.DrawFn) -> Fetch:
    """One fetch of any scope, with any records in it."""
    places = draw(st.frozensets(st.sampled_from(PLACES), min_size=1))
    years = draw(st.none() | st.frozensets(st.sampled_from(YEARS), min_size=1))
    outcome = draw(st.sampled_from(["complete", "complete", "complete", "empty", "failed"]))
    one = Fetch(draw(st.integers(0, 6)), places, years, {}, outcome)
    covered = [cell for cell in CELLS if one.covers(cell)]
    if outcome == "complete":
        chosen = draw(st.lists(st.sampled_from(covered), min_size=1, unique=True))
        one.records.update({cell: draw(RECORDS) for cell in chosen})
    return replace(one, preliminary_year=draw(st.sampled_from([None, None, 2020, 2021])))


BATCHES = st.lists(st.lists(fetches(), min_size=1, max_size=7), min_size=1, max_size=SEQUENCES)


@pytest.fixture(scope="module")
def live() -> Models:
    return Models("live")


@pytest.fixture(scope="module")
def sample() -> Models:
    return Models("sample")


def rules(examples: int) -> settings:
    """Settings of a property: the same examples in every run."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


def without_fetch(versions: list[Version]) -> list[Version]:
    return [(*row[:7], row[8]) for row in versions]


@rules(60)
@given(batch=BATCHES)
def test_versions_are_what_the_rules_say(
    batch: list[list[Fetch]], live: Models, sample: Models, cases: Cases
) -> None:
    cases.add(len(batch))
    for models, mode in ((live, "live"), (sample, "sample")):
        found = models.versions(batch)
        for sequence, versions in zip(batch, found, strict=True):
            assert without_fetch(versions) == without_fetch(expected_versions(sequence, mode))
            assert overlaps(versions) == []
            for *cell, _, _, value, _, number, _ in versions:
                if value is not None:  # no value is invented: the fetch that is named said so
                    assert sequence[number].records[tuple(cell)].value == value
        # whether content is stored once or again with every fetch makes no difference
        stored_again = models.versions(batch, reuse=False)
        assert [without_fetch(v) for v in stored_again] == [without_fetch(v) for v in found]


@rules(40)
@given(batch=BATCHES, cut=st.integers(0, 6))
def test_replay_equals_incremental(batch: list[list[Fetch]], cut: int, live: Models, cases: Cases) -> None:
    """What is known on a day does not depend on what came later."""
    cases.add(len(batch))
    until = [[one for one in sequence if one.day <= cut] for sequence in batch]
    for whole, then in zip(live.versions(batch), live.versions(until), strict=True):
        moment = Fetch(cut, frozenset(), None).fetched_at
        as_of = [
            (*row[:4], row[4] if row[4] is not None and row[4] <= moment else None, *row[5:])
            for row in whole
            if row[3] <= moment
        ]
        assert without_fetch(as_of) == without_fetch(then)


@rules(30)
@given(batch=BATCHES, places=st.integers(0, 6))
def test_the_same_again_adds_nothing(
    batch: list[list[Fetch]], places: int, live: Models, cases: Cases
) -> None:
    """A fetch repeated a day later, and one that failed, leave the history as it was."""
    cases.add(len(batch))
    longer = []
    for sequence in batch:
        spread = [replace(one, day=one.day * 10) for one in sorted(sequence, key=lambda one: one.day)]
        at = min(places, len(spread) - 1)
        again = replace(spread[at], day=spread[at].day + 1)
        last_of_day = at + 1 == len(spread) or spread[at + 1].day > spread[at].day
        failed = replace(spread[at], day=spread[at].day + 2, outcome="failed")
        extra = [again, failed] if last_of_day else [failed]
        longer.append((spread, sorted([*spread, *extra], key=lambda one: one.day)))
    plain = live.versions([one for one, _ in longer])
    repeated = live.versions([other for _, other in longer])
    for before, after in zip(plain, repeated, strict=True):
        assert without_fetch(before) == without_fetch(after)


SOURCE = st.dictionaries(st.sampled_from(CELLS), RECORDS, min_size=1)
SCOPES = st.lists(
    st.tuples(
        st.frozensets(st.sampled_from(PLACES), min_size=1),
        st.none() | st.frozensets(st.sampled_from(YEARS), min_size=1),
    ),
    min_size=2,
    max_size=5,
)


@rules(60)
@given(
    source=SOURCE,
    earlier=st.none() | SOURCE,
    scopes=SCOPES,
    shuffle=st.lists(st.randoms(use_true_random=False), min_size=4, max_size=8),
)
def test_any_order_of_backfills_ends_in_the_same_state(  # noqa: PLR0917
    source: dict[Cell, Record],
    earlier: dict[Cell, Record] | None,
    scopes: list[tuple[frozenset[str], frozenset[int] | None]],
    shuffle: list[random.Random],
    live: Models,
    cases: Cases,
) -> None:
    """The source stands still while parts of it are loaded again, in any order, after a first whole fetch."""
    cases.add(len(shuffle) + 1)
    first = [Fetch(0, frozenset(PLACES), None, earlier)] if earlier else []
    orders = [scopes]
    for numbers in shuffle:
        other = list(scopes)
        numbers.shuffle(other)
        orders.append(other)
    batch = []
    for order in orders:
        sequence = list(first)
        for day, (places, years) in enumerate(order, start=1):
            one = Fetch(day, places, years)
            records = {cell: record for cell, record in source.items() if one.covers(cell)}
            sequence.append(replace(one, records=records, outcome="complete" if records else "empty"))
        batch.append(sequence)
    states = [
        [(*row[:3], row[5], row[6]) for row in versions if row[4] is None]
        for versions in live.versions(batch)
    ]
    assert all(state == states[0] for state in states)
