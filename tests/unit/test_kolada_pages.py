"""Envelopes, and whether pages add up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ame_warehouse.kolada.pages import Page, data_key, genders_clash, id_key, judge, load_json, read_page
from ame_warehouse.kolada.plan import Question, chunks, questions


def record(place: str, number: float = 1.0, kpi: str = "U40800", period: Any = 2022) -> dict[str, Any]:
    value = {"gender": "T", "count": 1, "status": "", "value": number, "isdeleted": False}
    return {"values": [value], "kpi": kpi, "period": period, "municipality": place}


def body(values: list[Any], next_url: Any = None, **more: Any) -> bytes:
    envelope = {"values": values, "next_url": next_url, "previous_url": None, "count": len(values)}
    return json.dumps(envelope | more).encode()


def page(values: list[Any], next_url: Any = None, **more: Any) -> Page:
    return read_page(body(values, next_url, **more))


def test_a_page_is_read() -> None:
    first = page([record("0114"), record("0115")], "http://elsewhere/v3/x?page=2")
    assert (first.size, first.has_next, first.count) == (2, True, 2)
    last = page([record("0117")])
    assert not last.has_next
    assert judge([first, last], data_key).faults == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b'{"values": [', "no JSON"),
        ('{"values": "Göteborg"}'.encode("latin-1"), "not UTF-8"),
        (b"[]", "found a JSON list"),
        (b'"text"', "found a JSON text"),
        (b'{"data": [], "total": 0}', "found the keys data, total"),
        (b'{"count": 0, "values": [], "next_page": null}', "shape of v2"),
        (b'{"values": {}, "next_url": null, "count": 0}', "expected a list of values"),
        (b'{"values": [], "next_url": 7, "count": 0}', "next_url"),
        (b"[" * 100_000, "no JSON"),
        (b"", "no JSON"),
    ],
)
def test_what_is_no_page_is_named(text: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_page(text)


def test_extra_keys_and_a_missing_count_are_tolerated() -> None:
    for more in (b'"version": "3.1"', b'"count": "many"', b'"count": null', b'"count": {}'):
        odd = read_page(b'{"values": [], "next_url": null, ' + more + b"}")
        assert odd.count is None
        assert judge([odd], data_key).notes == ["page 1 has no usable count"]
        assert judge([odd], data_key).faults == []


def test_count_may_be_of_the_page_or_of_all() -> None:
    assert judge([page([record("1")], "x", count=2), page([record("2")], count=2)], data_key).faults == []
    assert judge([page([record("1")], "x"), page([record("2")])], data_key).faults == []
    wrong = judge([page([record("1")], "x", count=5), page([record("2")], count=5)], data_key)
    assert wrong.faults == ["page 1 counts 5 records; it has 1, all pages together 2"]


@pytest.mark.parametrize(
    ("pages", "says"),
    [
        (
            [page([record("1")], "x"), page([record("1")], "x"), page([record("2")])],
            "pages 1, 2 are the same",
        ),
        ([page([record("1")], "x"), page([], "x"), page([record("2")])], "page 2 of 3 is empty"),
        (
            [page([record("1"), record("2")], "x"), page([record("3")], "x"), page([record("4")])],
            "page 2 has 1 records where page 1 has 2",
        ),
        ([page([record("1")], "x"), page([record("2"), record("3")])], "the last page has 2"),
        ([page([record("1")], "x"), page([record("1", 2.0)])], "stands on page 1 and on page 2"),
        ([page([record("1"), record("1", 2.0)])], "stands twice on page 1, with different content"),
        ([page([record("1"), record("1", 2.0, period="2022")])], "stands twice"),
    ],
)
def test_what_does_not_add_up_is_named(pages: list[Page], says: str) -> None:
    faults = judge(pages, data_key).faults
    assert faults
    assert says in faults[0]


def test_the_same_record_twice_on_a_page_is_a_note() -> None:
    result = judge([page([record("1"), record("1")])], data_key)
    assert result.faults == []
    assert result.notes == ["record U40800/1/2022 stands twice on page 1"]


def test_what_is_possible_but_doubtful_is_marked() -> None:
    assert judge([page([record("1")], "x"), page([])], data_key).doubt == "the last page is empty"
    assert judge([page([])], data_key).doubt is None
    assert judge([page([record("1")])], data_key).doubt is None
    assert "before it" in (judge([page([record("1")], previous_url="x?page=1")], data_key).doubt or "")


def test_records_without_a_key_do_not_disturb() -> None:
    odd: list[Any] = [
        7,
        None,
        [],
        {},
        {"kpi": 1, "municipality": "1", "period": 1},
        {"kpi": "a", "period": {}},
    ]
    assert [data_key(one) for one in odd] == [None] * 6
    assert judge([page(odd)], data_key).faults == []
    assert id_key({"id": 3}) is None


def test_a_gender_twice_is_a_clash_only_when_it_differs() -> None:
    one = record("1")
    assert not genders_clash(one)
    one["values"] = one["values"] * 2
    assert not genders_clash(one)
    one["values"] = [one["values"][0], one["values"][0] | {"value": 9.0}]
    assert genders_clash(one)
    assert not genders_clash({"values": ["x", 1]})


def test_nan_equals_nan() -> None:
    document = load_json(b'[{"a": NaN}, {"a": NaN}]')
    assert not genders_clash(
        {"values": [{"gender": "T", "value": document[0]}, {"gender": "T", "value": document[1]}]}
    )


def test_questions_cover_everything_once_within_the_limits() -> None:
    kpis = [f"N{n:05d}" for n in range(60)]
    places = [f"{n:04d}" for n in range(312)]
    plan = questions(kpis, places, list(range(1990, 2025)))
    assert len(plan) == 3 * 13 * 2
    asked = [
        (kpi, place, year)
        for one in plan
        for kpi in one.kpi_ids
        for place in one.municipality_ids
        for year in one.years or ()
    ]
    assert len(asked) == len(set(asked)) == 60 * 312 * 35
    assert all(max(len(one.kpi_ids), len(one.municipality_ids), len(one.years or ())) <= 25 for one in plan)
    assert {one.years for one in questions(kpis, places, None)} == {None}


def test_paths_and_halves() -> None:
    one = Question(("A", "B", "C"), ("0114",), None)
    assert one.path == "/data/kpi/A,B,C/municipality/0114"
    assert Question(("A",), ("0114", "0115"), (2021, 2022)).path == (
        "/data/kpi/A/municipality/0114,0115/year/2021,2022"
    )
    assert [half.kpi_ids for half in one.halves(2)] == [("A", "B"), ("C",)]
    assert {half.attempts for half in one.halves(2)} == {2}
    left = one.without({"B"})
    assert left is not None
    assert left.kpi_ids == ("A", "C")
    assert one.without({"A", "B", "C"}) is None
    assert chunks([1, 2, 3], 2) == [(1, 2), (3,)]
