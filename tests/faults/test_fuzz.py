"""Payloads that nobody meant to send: each ends in a typed error, a finding or a quarantined row.

Fixed seeds. No crash, no hang, and no value that was readable is lost.
"""

from __future__ import annotations

import io
import json
import random
import re
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.conftest import Cases
from tests.faults.mutations import double_key, spoil_bytes, spoil_tree, spoil_xml

from ame_warehouse.arbetsformedlingen.index import find_links, read_links
from ame_warehouse.arbetsformedlingen.layouts import LAYOUTS, Layout, layout_of
from ame_warehouse.arbetsformedlingen.long import LongWriter
from ame_warehouse.arbetsformedlingen.workbook import read, recognise
from ame_warehouse.errors import SourceError
from ame_warehouse.kolada.pages import data_key, genders_clash, id_key, judge, read_page
from ame_warehouse.landing.pages import load_cells
from ame_warehouse.landing.store import Objects
from ame_warehouse.landing.tables import connect
from ame_warehouse.landing.tolerant import GENDERS, Cell, is_regular, read_records
from ame_warehouse.sample.af_workbooks import releases

SLOWEST = 5.0  # seconds of the processor that one payload may take
PAGES, BATCHES = 800, 10  # malformed pages of Kolada
INDEX_PAGES = 1500
DATASETS = ("sok_lan_kom", "tid_utan_arbete_lan_kom", "rusta_och_matcha")
WORKBOOKS = 250  # per kind of workbook and way of spoiling it


def seeded(key: object) -> random.Random:
    return random.Random(str(key))  # noqa: S311 - the same payloads in every run


def value(gender: str, number: float | None, **more: Any) -> dict[str, Any]:
    return {"gender": gender, "count": 1, "status": "", "value": number, "isdeleted": False} | more


def record(place: str, year: int, *values: dict[str, Any]) -> dict[str, Any]:
    return {"values": list(values), "kpi": "U40800", "period": year, "municipality": place}


RECORDS = [
    record("0114", 2021, value("K", 12.5), value("M", 7), value("T", 19.5)),
    record("1480", 2022, value("T", None, status="Missing")),
    record("1480", 2021, value("T", 0), value("K", 3.25, isdeleted=True)),
    record("0000", 2022, value("T", 123456789.125, count=290)),
]
PAGE = {"values": RECORDS, "next_url": None, "previous_url": None, "count": len(RECORDS)}


def spoilt_pages(numbers: random.Random) -> Iterator[bytes]:
    whole = json.dumps(PAGE).encode()
    while True:
        tree = json.dumps(spoil_tree(numbers, PAGE)).encode()
        yield tree
        yield spoil_bytes(numbers, whole)
        yield double_key(numbers, tree)
        yield double_key(numbers, whole)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_pages_of_kolada(batch: int, tmp_path: Path, cases: Cases) -> None:
    """A spoilt page is refused, or every value of it is read: as a cell, or as a finding that quotes it."""
    bodies = spoilt_pages(seeded(batch))
    objects = Objects(tmp_path)
    regular: list[str] = []
    ends: Counter[str] = Counter()
    for body in (next(bodies) for _ in range(PAGES)):
        begin = time.process_time()
        end, digest = ending(body)
        assert time.process_time() - begin < SLOWEST
        ends[end] += 1
        if end == "regular" and digest not in regular:
            regular.append(objects.put(body))
    cases.add(sum(ends.values()))
    assert min(ends[kind] for kind in ("refused", "does not add up", "tolerated", "regular")) > 0, ends
    compare_readers(objects, regular, tmp_path)


def ending(body: bytes) -> tuple[str, str]:
    try:
        page = read_page(body)
    except ValueError:  # what the client takes as no answer
        return "refused", ""
    judge([page], id_key)  # read as a list of measures, it ends in faults or in none
    if judge([page], data_key).faults or any(genders_clash(one) for one in page.values):
        return "does not add up", ""
    nothing_is_lost(page.values, body)
    fast = page.is_plain and is_regular(page.values)
    return ("regular" if fast else "tolerated"), page.digest


def nothing_is_lost(values: list[Any], body: bytes) -> None:
    """Every inner value of a record is one cell, or one oddity that says why it is none."""
    found = list(read_records(body))
    cells = [one for one in found if isinstance(one, Cell) and one.value_issue != "no_gender"]
    unkeyed = [one for one in found if not isinstance(one, Cell) and "cannot be keyed" in one.found]
    inner = sum(len(one["values"]) if has_key(one) else 1 for one in values)
    assert len(cells) + len(unkeyed) == inner
    for one in values:
        for part in plain_values(one):
            number = part["value"]
            kept = [cell for cell in cells if cell.gender == part["gender"]]
            assert any(cell.value == number or cell.raw_value is not None for cell in kept)


def has_key(one: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(one.get("values"), list):
        return False
    if not all(isinstance(one.get(key), str) for key in ("kpi", "municipality")):
        return False
    period = one.get("period")
    if isinstance(period, str):
        return bool(re.fullmatch("[12][0-9]{3}", period.strip()))
    return type(period) in (int, float) and period == period // 1 and 1000 <= period <= 2999


def plain_values(one: Any) -> Iterator[dict[str, Any]]:
    """Yield the values of a record that is as documented in all that matters."""
    for part in one["values"] if has_key(one) else []:
        if (
            isinstance(part, dict)
            and part.get("gender") in GENDERS
            and type(part.get("value")) in (int, float)
        ):
            yield part


def compare_readers(objects: Objects, checksums: list[str], tmp_path: Path) -> None:
    """The fast reader reads of a regular page what the tolerant one reads."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    con = connect()
    assert load_cells(con, objects, checksums, [], scratch) == []
    rows = con.execute("select * from raw order by all").fetchall()
    expected = [
        (number, *astuple(one))
        for number, sha in enumerate(checksums)
        for one in read_records(objects.get(sha))
        if isinstance(one, Cell)
    ]
    con.close()
    # text that is no Unicode is stored with question marks
    assert sorted(map(repr, rows)) == sorted(re.sub(r"\\ud[89a-f]..", "?", repr(row)) for row in expected)


def index_page() -> bytes:
    names = [name for release in releases() for name in release.files]
    links = "".join(
        f'<li><a href="/download/18.{n:x}/169{n:010d}/{name}">Statistik, {name}</a> (xlsx)</li>'
        for n, name in enumerate(names)
    )
    head = '<!DOCTYPE html><html lang="sv"><head><meta charset="utf-8"><title>Tidsserier</title></head>'
    return f"{head}<body><h1>Tidigare statistik – tidsserier</h1><ul>{links}</ul></body></html>".encode()


def test_index_pages(cases: Cases) -> None:
    """A spoilt page has links or a typed error; only links that stand there are followed."""
    numbers = seeded(1)
    whole = index_page()
    url = "https://arbetsformedlingen.se/statistik/tidsserier"
    before = read_links(whole, url)
    for _ in range(INDEX_PAGES):
        body = spoil_xml(numbers, whole) if numbers.random() < 0.5 else spoil_bytes(numbers, whole)
        begin = time.process_time()
        cases.add()
        try:
            links = read_links(body, url, numbers.choice((None, "text/html", "text/html; charset=latin-1")))
        except SourceError as error:
            assert error.message
            continue
        for layout in LAYOUTS:
            chosen, notes = find_links(layout, links, url)
            assert {link.url for link in chosen} <= set(links)
            assert all(note.kind and note.found for note in notes)
        assert time.process_time() - begin < SLOWEST
    assert len(before) > 10


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """Return a small workbook of each kind of layout, part by part."""
    from ame_warehouse.sample import af_workbooks as made
    from ame_warehouse.sample.af_cube import Cube
    from ame_warehouse.sample.af_xlsx import write

    cube = Cube("2022-01", "2022-01")
    folder = tmp_path_factory.mktemp("books")
    found = {}
    for dataset, book in (
        ("sok_lan_kom", made.sok_book(cube)),
        ("tid_utan_arbete_lan_kom", made.tid_book(cube)),
        ("rusta_och_matcha", made.rom_book("2022-11", 0, True)),
    ):
        write(folder / dataset, book)
        with zipfile.ZipFile(folder / dataset) as archive:
            found[dataset] = {name: archive.read(name) for name in archive.namelist()}
    return found


def packed(parts: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return sink.getvalue()


def spoilt_part(numbers: random.Random, parts: dict[str, bytes]) -> bytes:
    """One part of the workbook is spoilt; most often one with figures or names of columns."""
    loaded = [name for name in parts if "sheet" in name or "pivotCache" in name]
    name = numbers.choice(loaded if numbers.random() < 0.8 else list(parts))
    way = numbers.randrange(12)
    if way == 0:
        return packed({key: body for key, body in parts.items() if key != name})
    if way == 1:
        return packed(parts | {name: parts[numbers.choice(list(parts))]})
    return packed(parts | {name: spoil_xml(numbers, parts[name])})


def spoilt_zip(numbers: random.Random, parts: dict[str, bytes]) -> bytes:
    """The file itself is spoilt."""
    return spoil_bytes(numbers, packed(parts))


WAYS = (spoilt_part, spoilt_zip)


def figures(path: Path, layout: Layout, folder: Path) -> tuple[list[dict[str, Any]], Any]:
    out = folder / "long.parquet"
    writer = LongWriter(out)
    constants: dict[str, str | None] = {"fetch_id": "f", "file_sha256": "s", "dataset": layout.dataset}
    try:
        agreements, report = read(path, layout, "xlsx", constants, writer)
    finally:
        writer.close()
    return (agreements or pq.read_table(out).to_pylist()), report


@pytest.mark.parametrize("spoil", WAYS)
@pytest.mark.parametrize("dataset", DATASETS)
def test_workbooks(
    dataset: str,
    spoil: Callable[[random.Random, dict[str, bytes]], bytes],
    books: dict[str, dict[str, bytes]],
    tmp_path: Path,
    cases: Cases,
) -> None:
    """A spoilt workbook is refused with a typed error, or read; then rows are typed or put aside by name."""
    numbers = seeded(f"{dataset} {spoil.__name__}")
    layout = layout_of(dataset)
    path = tmp_path / "book.xlsx"
    path.write_bytes(packed(books[dataset]))
    whole, _ = figures(path, layout, tmp_path)
    ends: Counter[str] = Counter()
    for _ in range(WORKBOOKS):
        path.write_bytes(spoil(numbers, books[dataset]))
        begin = time.process_time()
        try:
            notes = recognise(path, layout, "xlsx", "https://example.test/book.xlsx")
            rows, report = figures(path, layout, tmp_path)
        except SourceError as error:  # LayoutError is one
            assert error.message
            assert error.expected
            ends["refused"] += 1
        else:
            ends["read"] += 1
            if len(rows) < len(whole):  # something went: it is said what
                assert report.quarantine or report.notes or notes or has_fewer(path, books[dataset])
        assert time.process_time() - begin < SLOWEST
    cases.add(sum(ends.values()))
    assert ends["refused"] > 0
    assert spoil is spoilt_zip or ends["read"] > 0, ends


def has_fewer(path: Path, parts: dict[str, bytes]) -> bool:
    """Return whether the spoilt file itself has fewer rows, so that none was lost by reading it."""
    with zipfile.ZipFile(path) as archive:
        now = sum(
            archive.read(name).count(b"<row") + archive.read(name).count(b"<r>")
            for name in archive.namelist()
        )
    return now < sum(body.count(b"<row") + body.count(b"<r>") for body in parts.values())
