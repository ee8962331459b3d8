"""Odd records: nothing is lost, nothing is guessed; both readers agree where both may read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ame_warehouse.landing.pages import load_cells, record_array
from ame_warehouse.landing.store import Objects
from ame_warehouse.landing.tolerant import Cell, Oddity, is_regular, read_number, read_records


def body(values: list[Any] | str) -> bytes:
    text = values if isinstance(values, str) else json.dumps(values)
    return f'{{"values": {text}, "next_url": null, "previous_url": null, "count": 1}}'.encode()


def inner(**changes: Any) -> dict[str, Any]:
    return {"gender": "T", "count": 1, "status": "", "value": 12.5, "isdeleted": False} | changes


def record(*values: Any, **changes: Any) -> dict[str, Any]:
    return {
        "values": list(values) or [inner()],
        "kpi": "U40800",
        "period": 2022,
        "municipality": "1480",
    } | changes


def read(values: list[Any] | str) -> tuple[list[Cell], list[Oddity]]:
    found = list(read_records(body(values)))
    return [one for one in found if isinstance(one, Cell)], [one for one in found if isinstance(one, Oddity)]


def test_the_documented_record_is_regular() -> None:
    assert is_regular([])
    assert is_regular([record(inner(gender="K"), inner(gender="M", value=None, status="Missing"))])
    assert is_regular([record(inner(value=0)), record(municipality="G96190")])
    assert is_regular([record(inner(status="Nytt ord"))])
    cells, oddities = read([record()])
    assert cells == [Cell("U40800", "1480", 2022, "T", 12.5, "", False, 1, None, None)]
    assert oddities == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("12.5", (12.5, None, None)),
        ("0", (0.0, None, None)),
        ("-0.25", (-0.25, None, None)),
        ("1e3", (1000.0, None, None)),
        ("null", (None, None, None)),
        ('"123.4"', (123.4, '"123.4"', "number_as_text")),
        ('"17"', (17.0, '"17"', "number_as_text")),
        ('"-3"', (-3.0, '"-3"', "number_as_text")),
        ('"12,5"', (None, '"12,5"', "not_a_number")),
        ('"1 234"', (None, '"1 234"', "not_a_number")),
        ('"1e5"', (None, '"1e5"', "not_a_number")),
        ('"i.u."', (None, '"i.u."', "not_a_number")),
        ('"<5"', (None, '"<5"', "not_a_number")),
        ('""', (None, '""', "not_a_number")),
        ('"nan"', (None, '"nan"', "not_a_number")),
        ("true", (None, "true", "not_a_number")),
        ("{}", (None, "{}", "not_a_number")),
        ("[]", (None, "[]", "not_a_number")),
        ("NaN", (None, "NaN", "not_a_number")),
        ("Infinity", (None, "Infinity", "not_a_number")),
        ("1e400", (None, "1e400", "not_a_number")),
        ("9" * 400, (None, "9" * 400, "not_a_number")),
    ],
)
def test_values_of_any_type(raw: str, expected: tuple[float | None, str | None, str | None]) -> None:
    text = json.dumps([record()]).replace("12.5", raw)
    (cell,), oddities = read(text)
    assert (cell.value, cell.raw_value, cell.value_issue) == expected
    assert oddities == []
    plain = expected[2] is None
    assert is_regular(json.loads(text)) is plain


def test_a_number_is_never_made_of_nothing() -> None:
    for odd in ("", " ", "٣", "12.", ".5", "+1", "0x10", "١٢"):
        assert read_number(odd)[0] is None, odd


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kpi": None}, "cannot be keyed"),
        ({"kpi": 40800}, "cannot be keyed"),
        ({"municipality": 1480}, "cannot be keyed"),
        ({"period": None}, "cannot be keyed"),
        ({"period": "2022-07"}, "cannot be keyed"),
        ({"period": 22}, "cannot be keyed"),
        ({"period": True}, "cannot be keyed"),
        ({"values": None}, "cannot be keyed"),
        ({"values": {}}, "cannot be keyed"),
        ({"values": []}, "a record without values"),
    ],
)
def test_what_has_no_key_becomes_a_finding_with_the_raw_record(changes: dict[str, Any], says: str) -> None:
    odd = record(**changes)
    assert not is_regular([odd])
    cells, oddities = read([odd])
    assert cells == []
    assert says in oddities[0].found
    if "keyed" in says:
        assert oddities[0].severity == "warning"
        assert json.loads(oddities[0].detail or "") == odd


@pytest.mark.parametrize("lone", [inner(gender=None), {k: v for k, v in inner().items() if k != "gender"}])
def test_a_lone_value_without_gender_is_the_total(lone: dict[str, Any]) -> None:
    odd = record(values=[lone])
    assert not is_regular([odd])
    (cell,), oddities = read([odd])
    assert (cell.gender, cell.value, cell.value_issue) == ("T", 12.5, None)
    assert oddities[0].severity == "warning"
    assert "read as the total" in oddities[0].found


@pytest.mark.parametrize(
    ("values", "unread"),
    [
        ([inner(gender="X")], {"T"}),
        ([7], {"T"}),
        ([inner(), inner(gender="X")], set()),
        ([inner(gender="K"), inner(gender="M"), inner(gender=None)], {"T"}),
        ([inner(), inner(gender="K"), inner(gender=["M"])], {"M"}),
        ([inner(gender=None), inner(gender=None), inner(gender=None)], {"T", "K", "M"}),
        ([inner(), inner(gender="K"), inner(gender="M"), inner(gender="X")], set()),
    ],
)
def test_what_an_unkeyable_value_may_have_been_is_unread_and_not_absent(
    values: list[Any], unread: set[str]
) -> None:
    """So that the cell becomes not_loaded: neither i.u. nor withdrawn."""
    cells, oddities = read([record(values=values)])
    assert {cell.gender for cell in cells if cell.value_issue == "no_gender"} == unread
    assert all(cell.value is None for cell in cells if cell.value_issue)
    assert any("cannot be keyed" in oddity.found for oddity in oddities)


@pytest.mark.parametrize("odd", [7, "text", None, [], True])
def test_a_record_that_is_no_object_is_kept_in_the_findings(odd: Any) -> None:
    cells, (oddity,) = read([odd])
    assert cells == []
    assert json.loads(oddity.detail or "") == odd


def test_periods_as_text_are_used_and_told() -> None:
    for period in ("2022", 2022.0):
        (cell,), (oddity,) = read([record(period=period)])
        assert cell.year == 2022
        assert "period as" in oddity.found
        assert not is_regular([record(period=period)])


def test_missing_and_odd_fields_of_a_value() -> None:
    bare = {"gender": "T", "value": 5}
    (cell,), oddities = read([record(bare)])
    assert (cell.value, cell.status, cell.is_deleted, cell.member_count) == (5.0, None, False, None)
    assert {one.found for one in oddities} == {"no isdeleted", "no count"}
    (cell,), oddities = read([record(inner(status=None, isdeleted="true", count="3"))])
    assert (cell.status, cell.is_deleted, cell.member_count) == (None, True, None)
    assert {one.found for one in oddities} == {'isdeleted "true"', 'count "3"'}
    (cell,), _ = read([record(inner(status={"code": 3}, isdeleted=1))])
    assert (cell.status, cell.is_deleted) == ('{"code": 3}', True)
    (cell,), oddities = read([record({"gender": "T", "count": 1, "status": "", "isdeleted": False})])
    assert cell.value is None
    assert [one.found for one in oddities] == ["no value field"]


def test_extra_fields_are_told_and_do_no_harm() -> None:
    (cell,), oddities = read([record(inner(quality="B"), source={"id": 1})])
    assert cell.value == 12.5
    assert [(one.kind, one.found, one.detail) for one in oddities] == [
        ("extra_field", "a field 'source'", '{"id": 1}'),
        ("extra_field", "a field 'quality'", '"B"'),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b'{"values": [1, [2]], "next_url": null, "previous_url": null, "count": 2}',
        b'{\n  "count": 2,\n  "next_url": "http://x", "previous_url": null, "values": [\n 1, [2]\n]\n}\n',
    ],
)
def test_the_record_array_is_cut_out_whole(text: bytes) -> None:
    array = record_array(text)
    assert array is not None
    assert json.loads(bytes(array)) == [1, [2]]


@pytest.mark.parametrize(
    "text",
    [
        b'{"values": [1], "next_url": "http://x?a[]=1", "count": 1}',
        b'{"meta": [1], "values": [2], "next_url": null}',
        b'{"values": [1], "more": [2], "next_url": null}',
        b'{"values": [1], "next_url": null}',
        b'{"a[": 1, "values": [1]}',
        b"[1, 2]",
        b'{"values": {}}',
        b"",
    ],
)
def test_where_it_cannot_be_cut_out_safely_it_is_not(text: bytes) -> None:
    assert record_array(text) is None


NUMBERS = st.one_of(
    st.none(), st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False, width=64)
)
REGULAR = st.builds(
    lambda kpi, place, year, values: record(*values, kpi=kpi, municipality=place, period=year),
    st.sampled_from(["U40800", "N01951"]),
    st.sampled_from(["0000", "1480", "G96190"]),
    st.integers(1990, 2040),
    st.lists(
        st.builds(
            lambda gender, number, status, deleted, count: inner(
                gender=gender, value=number, status=status, isdeleted=deleted, count=count
            ),
            st.sampled_from("TKM"),
            NUMBERS,
            st.text(max_size=8),
            st.booleans(),
            st.integers(0, 300),
        ),
        min_size=1,
        max_size=3,
    ),
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(values=st.lists(REGULAR, max_size=6), indent=st.sampled_from([None, 2]))
def test_both_readers_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], indent: int | None
) -> None:
    home = tmp_path_factory.mktemp("readers")
    page = json.dumps(
        {"values": values, "next_url": None, "previous_url": None, "count": len(values)},
        indent=indent,
        ensure_ascii=indent is None,
    ).encode()
    objects = Objects(home)
    sha256 = objects.put(page)
    small = all(abs(one["value"] or 0) < 1e300 for item in values for one in item["values"])
    assert is_regular(values) is small
    rows = []
    for odd in ([], [sha256]):
        with duckdb.connect() as connection:
            assert load_cells(connection, objects, [sha256], odd, home) == []
            rows.append(connection.execute("select * from raw order by all").fetchall())
    if small:
        assert repr(rows[0]) == repr(rows[1])
    assert len(rows[1]) == sum(len(one["values"]) for one in values)


def test_a_page_wrongly_called_regular_is_read_the_slow_way(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    good, bad = objects.put(body([record()])), objects.put(body([record(inner(value="12,5")), 7]))
    with duckdb.connect() as connection:
        oddities = load_cells(connection, objects, [good, bad], [], tmp_path)
        rows = connection.execute("select value, value_issue from raw order by all").fetchall()
    assert rows == [(12.5, None), (None, "not_a_number")]
    assert len(oddities) == 1


def test_text_that_is_no_unicode_does_not_break_the_load(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    text = json.dumps(
        [record(inner(status="SURROGATE")), record(inner(value="SURROGATE"), municipality="0114")]
    )
    sha256 = objects.put(body(text.replace("SURROGATE", "\\ud800")))
    with duckdb.connect() as connection:
        assert load_cells(connection, objects, [sha256], [], tmp_path) == []
        rows = connection.execute(
            "select municipality_id, value, status, raw_value from raw order by 1"
        ).fetchall()
    assert rows == [("0114", None, "", '"?"'), ("1480", 12.5, "?", None)]
