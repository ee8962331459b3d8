"""Pivot caches: every kind of value, missing values, calculated fields, any form of the XML, any number of
the cache.
"""

import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ame_warehouse.arbetsformedlingen import pivot
from ame_warehouse.arbetsformedlingen.layouts import layout_of
from ame_warehouse.arbetsformedlingen.long import LongWriter
from ame_warehouse.arbetsformedlingen.notes import LayoutError
from ame_warehouse.arbetsformedlingen.pivot_definition import choose_cache, read_caches
from ame_warehouse.arbetsformedlingen.workbook import read, recognise
from ame_warehouse.sample.af_xlsx import CacheField, PivotCache, Sheet, Workbook, cache_of, write

NAMES = ("PERIOD", "KOEN", "LAN", "KOMMUN_BESKR", "ALDGR", "INSAL")
ROWS = [
    ("2022-01", "Kvinnor", "Västra Götalands län", "Ale", "16-24", 7),
    ("2022-01", "Män", "Västra Götalands län", "Uppgift saknas", "16-24", 12),
    ("2022-01", "Män", "Hallands län", None, "25-54", 3),
    ("2022-02", "Kvinnor", "Västra Götalands län", "Ale", "25-54", 0),
]
FIELDS = [CacheField(name, None) for name in NAMES]
SHEET = Sheet("Tabell", [("PERIOD", "LAN", "KOMMUN_BESKR", "INSAL"), ("1999-01", "Filter", "Filter", 99999)])


def layout(*names: str, dataset: str = "sok_lan_kom"):
    known = layout_of(dataset)
    tables = tuple(table for table in known.tables if table.name in names) or known.tables
    return type(known)(known.dataset, known.prefix, known.title, known.shape, tables)


def rows_of(path, shape, tmp_path):
    out = tmp_path / "long.parquet"
    writer = LongWriter(out)
    constants = {"fetch_id": "f", "file_sha256": "s", "dataset": shape.dataset}
    try:
        _, report = read(path, shape, "xlsx", constants, writer)
    finally:
        writer.close()
    return pq.read_table(out).to_pylist(), report


def book(tmp_path, caches, numbers=None, sheets=(SHEET,)):
    path = tmp_path / "book.xlsx"
    write(path, Workbook(list(sheets), caches, numbers))
    return path


CALCULATED = (CacheField("Andel", formula="INSAL/100"),)


def age_cache(rows=ROWS, calculated=CALCULATED, shared=NAMES[:-1]):
    return cache_of(rows, NAMES, shared, calculated)


def short(rows):
    return [
        (r["period"], r["gender_raw"], r["county_raw"], r["municipality_raw"], r["age_raw"], r["value"])
        for r in rows
    ]


def test_the_cache_is_read_and_never_the_visible_sheet(tmp_path):
    rows, report = rows_of(book(tmp_path, [age_cache()]), layout("age"), tmp_path)
    assert short(rows) == [(*row[:5], float(row[5])) for row in ROWS]
    assert [r["row_no"] for r in rows] == [1, 2, 3, 4]
    assert {r["measure_raw"] for r in rows} == {"INSAL"}
    assert 99999.0 not in [r["value"] for r in rows]
    assert report.notes == []


def test_missing_values_and_calculated_fields_shift_no_column(tmp_path):
    calculated = [CacheField("Andel", formula="INSAL/100"), CacheField("Kvot", formula="INSAL/INSAL")]
    rows, _ = rows_of(book(tmp_path, [age_cache(calculated=calculated)]), layout("age"), tmp_path)
    third = rows[2]
    assert third["municipality_raw"] is None
    assert (third["age_raw"], third["value"], third["gender_raw"]) == ("25-54", 3.0, "Män")


def test_values_may_stand_in_the_records_instead_of_the_shared_items(tmp_path):
    shared, _ = rows_of(book(tmp_path, [age_cache()]), layout("age"), tmp_path)
    inline, _ = rows_of(book(tmp_path, [age_cache(shared=())]), layout("age"), tmp_path)
    numbers, _ = rows_of(book(tmp_path, [age_cache(shared=NAMES)]), layout("age"), tmp_path)
    assert short(shared) == short(inline) == short(numbers)


@pytest.mark.parametrize("numbers", [(1, 2, 3), (3, 1, 2), (12, 5, 7)])
def test_the_number_of_a_cache_means_nothing(tmp_path, numbers):
    names = {"age": "ALDGR", "birth": "FODLGRP", "education": "UTBILDNING"}
    caches = []
    for at, name in enumerate(names.values()):
        renamed = [*NAMES[:4], name, "INSAL"]
        caches.append(cache_of([(*row[:5], row[5] + at) for row in ROWS], renamed, renamed[:-1]))
    path = book(tmp_path, caches, numbers)
    rows, report = rows_of(path, layout(), tmp_path)
    first = {r["sheet_or_cache"]: r["value"] for r in rows if r["row_no"] == 1}
    assert first == {"age": 7.0, "birth": 8.0, "education": 9.0}
    assert [r["birth_raw"] for r in rows if r["sheet_or_cache"] == "birth"] == [row[4] for row in ROWS]
    assert report.notes == []


RECORD = {
    "plain": '<r><x v="0"/><s v="Kvinnor"/><s v="Län"/><m/><s v="16-24"/><n v="7.5"/></r>',
    "spaces": '<r><x v="0" /><s v="Kvinnor" /><s v="Län" /><m /><s v="16-24" /><n v="7.5" /></r>',
    "lines": '<r>\n <x v="0"/>\n<s v="Kvinnor"/>\n<s v="Län"/>\n<m/>\r\n<s v="16-24"/><n v="7.5"/>\n</r>\n',
    "attributes": '<r><x v="0" u="1"/><s c="a" v="Kvinnor"/><s v="Län"/><m in="1"/>'
    '<s v="16-24"/><n v="7.5" u="1"/></r>',
    "single quotes": "<r><x v='0'/><s v='Kvinnor'/><s v='Län'/><m/><s v='16-24'/><n v='7.5'/></r>",
    "open and close": '<r><x v="0"></x><s v="Kvinnor"></s><s v="Län"/><m></m><s v="16-24"/><n v="7.5"/></r>',
    "inner elements": '<r><x v="0"/><s v="Kvinnor"><tpls><tpl/></tpls></s><s v="Län"/><m/>'
    '<s v="16-24"/><n v="7.5"/></r>',
    "comment": '<r><x v="0"/><!-- > <r> --><s v="Kvinnor"/><s v="Län"/><m/><s v="16-24"/><n v="7.5"/></r>',
    "references": '<r><x v="0"/><s v="Kvinnor"/><s v="L&#228;n"/><m/><s v="16&#45;24"/><n v="7.5"/></r>',
}


def raw_book(tmp_path, records, count=1, *, head="", root="pivotCacheRecords", encoding="utf-8", tail=None):
    path = book(tmp_path, [PivotCache([CacheField("PERIOD", ["2022-01"]), *FIELDS[1:]], [], count)])
    part = "xl/pivotCache/pivotCacheRecords1.xml"
    name = root.rpartition(":")[2]
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    prefix = root[: -len(name) - 1]
    declared = f'xmlns:{prefix}="{space}"' if prefix else f'xmlns="{space}"'
    end = f"</{root}>" if tail is None else tail
    text = f'<?xml version="1.0" encoding="{encoding}"?>{head}<{root} {declared}>{records}{end}'
    return replaced(path, part, text.encode(encoding))


def replaced(path, part, body):
    parts = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            parts[name] = archive.read(name)
    parts[part] = body
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)
    return path


@pytest.mark.parametrize("form", RECORD)
def test_any_form_of_a_record_gives_the_same_row(tmp_path, form):
    rows, _ = rows_of(raw_book(tmp_path, RECORD[form] * 3, 3), layout("age"), tmp_path)
    assert short(rows) == [("2022-01", "Kvinnor", "Län", None, "16-24", 7.5)] * 3


def test_forms_may_change_from_piece_to_piece(tmp_path, monkeypatch):
    records = "".join(list(RECORD.values()) * 50)
    count = len(RECORD) * 50
    path = raw_book(tmp_path, records, count)
    with zipfile.ZipFile(path) as archive:
        cache = read_caches(archive)[0]
        for piece in (1, 100, 1000, 1 << 20):
            columns = list(pivot.iter_records(archive, cache, piece))
            assert sum(len(c[0]) for c in columns) == count
            assert {t for c in columns for t in c[5].to_pylist()} == {"n7.5"}


def test_a_name_space_prefix_and_other_encodings(tmp_path):
    prefixed = RECORD["plain"].replace("<", "<x:").replace("<x:/", "</x:")
    rows, _ = rows_of(raw_book(tmp_path, prefixed, root="x:pivotCacheRecords"), layout("age"), tmp_path)
    assert short(rows) == [("2022-01", "Kvinnor", "Län", None, "16-24", 7.5)]
    for encoding in ("iso-8859-1", "utf-16"):
        rows, _ = rows_of(raw_book(tmp_path, RECORD["plain"], encoding=encoding), layout("age"), tmp_path)
        assert rows[0]["county_raw"] == "Län"


@pytest.mark.parametrize(
    ("element", "value", "text", "masked"),
    [
        ('<n v="12"/>', 12.0, None, False),
        ('<n v="1.5E2"/>', 150.0, None, False),
        ('<s v="&lt;5"/>', None, "<5", True),
        ('<s v="-"/>', None, "-", False),
        ('<s v="17"/>', 17.0, None, False),
        ('<e v="#N/A"/>', None, "#N/A", False),
        ("<m/>", None, None, False),
    ],
)
def test_every_kind_of_value_as_a_figure(tmp_path, element, value, text, masked):
    record = RECORD["plain"].replace('<n v="7.5"/>', element)
    rows, _ = rows_of(raw_book(tmp_path, record), layout("age"), tmp_path)
    assert (rows[0]["value"], rows[0]["raw_text"], rows[0]["is_masked"]) == (value, text, masked)


@pytest.mark.parametrize(
    ("element", "text"),
    [('<n v="2022"/>', "2022"), ('<b v="1"/>', "1"), ('<d v="2022-01-01T00:00:00"/>', "2022-01-01T00:00:00"),
     ('<s v="a&amp;b_x000D_"/>', "a&b"), ("<m/>", None)],
)  # fmt: skip
def test_every_kind_of_value_as_a_category(tmp_path, element, text):
    record = RECORD["plain"].replace('<s v="16-24"/>', element)
    rows, _ = rows_of(raw_book(tmp_path, record), layout("age"), tmp_path)
    assert rows[0]["age_raw"] == text


def test_a_month_as_a_date_and_a_row_without_a_month(tmp_path):
    records = RECORD["plain"].replace('<x v="0"/>', '<d v="2022-03-01T00:00:00"/>') + RECORD["plain"]
    records += RECORD["plain"].replace('<x v="0"/>', '<s v="Totalt"/>')
    rows, report = rows_of(raw_book(tmp_path, records, 3), layout("age"), tmp_path)
    assert [r["period"] for r in rows] == ["2022-03", "2022-01"]
    assert report.quarantine[0]["reason"] == "no month"
    assert report.quarantine[0]["row_no"] == 3
    assert [note.kind for note in report.notes] == ["quarantined"]


@pytest.mark.parametrize(
    ("records", "count", "tail", "said"),
    [
        (RECORD["plain"], 2, None, "does not hold what it announces"),
        (RECORD["plain"].replace("<m/>", ""), 1, None, "does not fit its definition"),
        (RECORD["plain"].replace("<m/>", "<m/><m/>"), 1, None, "does not fit its definition"),
        (RECORD["plain"].replace('<x v="0"/>', '<x v="7"/>'), 1, None, "shared item that is not there"),
        (RECORD["plain"].replace("<m/>", "<q/>"), 1, None, "unknown element"),
        (RECORD["plain"] + RECORD["plain"][:30], 1, "", "end early"),
        (RECORD["plain"].replace('"16-24"', '"16-24'), 1, None, "damaged"),
    ],
)
def test_damaged_records_are_refused(tmp_path, records, count, tail, said):
    with pytest.raises(LayoutError, match=said):
        rows_of(raw_book(tmp_path, records, count, tail=tail), layout("age"), tmp_path)


def test_a_document_type_is_refused(tmp_path):
    head = '<!DOCTYPE pivotCacheRecords [<!ENTITY a "aaaa">]>'
    with pytest.raises(LayoutError, match="not readable"):
        rows_of(raw_book(tmp_path, RECORD["plain"], head=head), layout("age"), tmp_path)
    path = book(tmp_path, [age_cache()])
    part = "xl/pivotCache/pivotCacheDefinition1.xml"
    with zipfile.ZipFile(path) as archive:
        text = archive.read(part).decode()
    replaced(path, part, text.replace("<pivotCacheDefinition", head + "<pivotCacheDefinition").encode())
    with pytest.raises(LayoutError, match="document type"):
        recognise(path, layout("age"), "xlsx", "u")


def test_no_records_are_an_empty_cache_and_no_cache_is_refused(tmp_path):
    with pytest.raises(LayoutError, match="no usable rows"):
        rows_of(book(tmp_path, [age_cache(rows=[])]), layout("age"), tmp_path)
    with pytest.raises(LayoutError, match="visible sheet is a filter view"):
        recognise(book(tmp_path, []), layout("age"), "xlsx", "u")


def test_a_workbook_saved_without_its_records_is_refused(tmp_path):
    path = book(tmp_path, [age_cache()])
    replaced(path, "xl/pivotCache/pivotCacheRecords1.xml", None)
    with pytest.raises(LayoutError, match="without its pivot data"):
        recognise(path, layout("age"), "xlsx", "u")


def test_the_relation_decides_which_records_belong_to_a_definition(tmp_path):
    path = book(tmp_path, [age_cache(), age_cache(rows=[(*row[:5], 1000) for row in ROWS])])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    one, two = (f"xl/pivotCache/_rels/pivotCacheDefinition{n}.xml.rels" for n in (1, 2))
    replaced(path, one, parts[two])
    with zipfile.ZipFile(path) as archive:
        cache = choose_cache(read_caches(archive)[:1], layout("age").tables[0])
        assert cache is not None
        assert cache.records == "xl/pivotCache/pivotCacheRecords2.xml"


def test_renamed_missing_and_added_fields_are_named(tmp_path):
    renamed = [*NAMES[:4], "ALDERSKLASS", "INSAL"]
    with pytest.raises(LayoutError) as fault:
        recognise(book(tmp_path, [cache_of(ROWS, renamed, renamed[:-1])]), layout("age"), "xlsx", "u")
    (note,) = [note for note in fault.value.notes if note.severity == "error"]
    assert (note.kind, note.expected) == ("renamed_column", "age: ALDGR")
    assert "ALDERSKLASS" in note.found
    lacking = [(*row[:4], row[5]) for row in ROWS]
    names = [*NAMES[:4], "INSAL"]
    with pytest.raises(LayoutError) as fault:
        recognise(book(tmp_path, [cache_of(lacking, names, names[:-1])]), layout("age"), "xlsx", "u")
    assert [note.kind for note in fault.value.notes if note.severity == "error"] == ["missing_column"]
    more = [(*row[:5], "Ja" if row[5] else "Nej", row[5]) for row in ROWS]
    names = [*NAMES[:5], "NY_FLAGGA", "INSAL"]
    rows, report = rows_of(book(tmp_path, [cache_of(more, names, names[:-1])]), layout("age"), tmp_path)
    assert [r["other_raw"] for r in rows] == ["NY_FLAGGA=Ja"] * 3 + ["NY_FLAGGA=Nej"]
    assert [(note.kind, note.severity) for note in report.notes] == [("added_column", "warning")]


def test_the_columns_of_a_piece_share_one_type(tmp_path):
    path = book(tmp_path, [age_cache()])
    with zipfile.ZipFile(path) as archive:
        for columns in pivot.iter_records(archive, read_caches(archive)[0]):
            assert {column.type for column in columns} == {pa.dictionary(pa.int32(), pa.string())}
