"""Sheets with real cells: header by names, known variants, named drift, the declared size that lies, text
files.
"""

import openpyxl
import pyarrow.parquet as pq
import pytest

from ame_warehouse.arbetsformedlingen.layouts import layout_of
from ame_warehouse.arbetsformedlingen.long import LongWriter
from ame_warehouse.arbetsformedlingen.notes import LayoutError
from ame_warehouse.arbetsformedlingen.sheets import Sheets, age_span
from ame_warehouse.arbetsformedlingen.workbook import read, recognise
from ame_warehouse.sample.af_cube import Cube
from ame_warehouse.sample.af_workbooks import WITHOUT, reg_book, tid_book
from ame_warehouse.sample.af_xlsx import Sheet, Workbook, write

HEADER = ("PERIOD", "LÄN", "KOMMUN", "KOEN", "ARBETSLÖSA", *WITHOUT)
ROW = ("2022-01", "Västra Götalands län", "Borås", "Kvinnor", 40, 20, 7, "<5")
TID = layout_of("tid_utan_arbete_lan_kom")
GENDER = type(TID)(TID.dataset, TID.prefix, TID.title, TID.shape, TID.tables[1:2])


def rows_of(path, layout, tmp_path, suffix="xlsx"):
    out = tmp_path / "long.parquet"
    writer = LongWriter(out)
    try:
        _, report = read(
            path, layout, suffix, {"fetch_id": "f", "file_sha256": "s", "dataset": layout.dataset}, writer
        )
    finally:
        writer.close()
    return pq.read_table(out).to_pylist(), report


def gender_book(tmp_path, rows, name="Kön", dimension=None):
    path = tmp_path / "book.xlsx"
    write(path, Workbook([Sheet("Info", [("PERIOD",)]), Sheet(name, rows, dimension)]))
    return path


def values(rows):
    return {r["measure_raw"]: (r["value"], r["raw_text"], r["is_masked"]) for r in rows}


@pytest.mark.parametrize("above", [0, 4, 8, 38])
def test_the_header_is_found_by_its_names(tmp_path, above):
    rows = [("Inskrivna arbetslösa",)] * min(above, 1) + [()] * max(0, above - 1) + [HEADER, ROW]
    found, report = rows_of(gender_book(tmp_path, rows), GENDER, tmp_path)
    assert values(found) == {
        "ARBETSLOSA": (40.0, None, False),
        "UA06": (20.0, None, False),
        "UA12": (7.0, None, False),
        "UA24": (None, "<5", True),
    }
    first = found[0]
    assert (first["period"], first["municipality_raw"], first["gender_raw"]) == (
        "2022-01",
        "Borås",
        "Kvinnor",
    )
    assert first["row_no"] == above + 2
    assert report.notes == []


def test_a_header_below_row_40_is_not_looked_for(tmp_path):
    rows = [("text",)] + [()] * 40 + [HEADER, ROW]
    with pytest.raises(LayoutError, match="not as its layout says"):
        recognise(gender_book(tmp_path, rows), GENDER, "xlsx", "u")


@pytest.mark.parametrize(
    "names",
    [
        ("Period", "Län", "Kommun", "Kön", "Arbetslösa", *WITHOUT),
        ("PERIOD", "LAN", "KOM", "KOEN", "ARBETSLÖSA", "UA06", "UA12", "UA24"),
        (
            "PERIOD ",
            "LÄN\u00a0",
            " KOMMUN",
            "KO\u0308N",
            "ARBETSLO\u0308SA",
            *(f"{name}  " for name in WITHOUT),
        ),
        ("PERIOD", "LÄN", "KOMMUN", "KOEN", "ARBETSLÖSA", *(name.replace(" ", "\n", 1) for name in WITHOUT)),
    ],
)
def test_known_variants_of_names_are_accepted(tmp_path, names):
    found, report = rows_of(gender_book(tmp_path, [names, ROW]), GENDER, tmp_path)
    assert len(found) == 4
    assert found[0]["gender_raw"] == "Kvinnor"
    assert report.notes == []


def test_the_order_of_columns_means_nothing(tmp_path):
    rows = [tuple(reversed(HEADER)), tuple(reversed(ROW))]
    found, _ = rows_of(gender_book(tmp_path, rows), GENDER, tmp_path)
    assert values(found)["UA06"] == (20.0, None, False)


def test_renamed_missing_and_added_columns_are_named(tmp_path):
    renamed = tuple("ANTAL_INSKRIVNA" if name == "ARBETSLÖSA" else name for name in HEADER)
    with pytest.raises(LayoutError) as fault:
        recognise(gender_book(tmp_path, [renamed, ROW]), GENDER, "xlsx", "u")
    (note,) = fault.value.notes
    assert (note.kind, note.severity, note.expected) == ("renamed_column", "error", "Kön: ARBETSLOSA")
    assert "ANTAL_INSKRIVNA" in note.found
    with pytest.raises(LayoutError) as fault:
        recognise(gender_book(tmp_path, [HEADER[:-1], ROW[:-1]]), GENDER, "xlsx", "u")
    assert [(note.kind, note.expected) for note in fault.value.notes] == [("missing_column", "Kön: UA24")]
    added = [(*HEADER, "FÖDELSELAND", "NYTT TAL"), (*ROW, "Utrikes född", 17)]
    found, report = rows_of(gender_book(tmp_path, added), GENDER, tmp_path)
    assert {r["other_raw"] for r in found} == {"FÖDELSELAND=Utrikes född"}
    assert sorted(note.found for note in report.notes) == ["a column FÖDELSELAND", "a column NYTT TAL"]


def test_a_missing_sheet_is_named(tmp_path):
    with pytest.raises(LayoutError) as fault:
        recognise(gender_book(tmp_path, [HEADER, ROW], name="Blad2"), GENDER, "xlsx", "u")
    (note,) = fault.value.notes
    assert note.kind == "missing_sheet"
    assert note.expected == "a sheet Kön"


def test_a_sheet_that_declares_one_cell_is_read_whole(tmp_path):
    path = gender_book(tmp_path, [HEADER] + [ROW] * 500, dimension="A1:A1")
    trap = openpyxl.load_workbook(path, read_only=True)["Kön"]
    assert len(list(trap.iter_rows())) <= 1, "the trap is no trap any more"
    found, _ = rows_of(path, GENDER, tmp_path)
    assert len(found) == 500 * 4


def test_a_header_without_rows_is_refused(tmp_path):
    with pytest.raises(LayoutError, match="header and no rows"):
        rows_of(gender_book(tmp_path, [HEADER]), GENDER, tmp_path)


def test_empty_rows_and_notes_below_the_table_are_no_data(tmp_path):
    rows = [HEADER, ROW, *[()] * 8, ("Källa: syntetisk",), ("", "", "")]
    found, report = rows_of(gender_book(tmp_path, rows), GENDER, tmp_path)
    assert len(found) == 4
    assert [note.kind for note in report.notes] == ["note_row"]
    assert report.quarantine == []


def test_what_cannot_be_typed_is_put_aside_with_the_reason(tmp_path):
    bad_month = ("2022-13", *ROW[1:])
    bad_cell = (*ROW[:5], "cirka tjugo", *ROW[6:])
    found, report = rows_of(gender_book(tmp_path, [HEADER, ROW, bad_month, bad_cell, ROW]), GENDER, tmp_path)
    assert len(found) == 4 + 3 + 4
    assert [(q["row_no"], q["column_name"], q["reason"], q["raw"]) for q in report.quarantine] == [
        (3, "PERIOD", "no month", "2022-13"),
        (4, "UA06", "neither number nor known marker", "cirka tjugo"),
    ]
    assert [note.kind for note in report.notes] == ["quarantined"] * 2


def test_a_file_of_which_most_rows_are_unusable_is_refused(tmp_path):
    rows = [HEADER, ROW, *[("när som helst", *ROW[1:])] * 9]
    with pytest.raises(LayoutError, match="most rows"):
        rows_of(gender_book(tmp_path, rows), GENDER, tmp_path)


def test_unknown_places_and_blank_places_are_kept_as_they_are(tmp_path):
    rows = [HEADER, (*ROW[:2], "Uppgift saknas", *ROW[3:]), (*ROW[:2], None, *ROW[3:]), ROW]
    found, _ = rows_of(gender_book(tmp_path, rows), GENDER, tmp_path)
    assert [r["municipality_raw"] for r in found if r["measure_raw"] == "UA06"] == [
        "Uppgift saknas",
        None,
        "Borås",
    ]


@pytest.mark.parametrize("header_row", [3, 5, 9, 12])
def test_a_whole_workbook_of_sheets(tmp_path, header_row):
    cube = Cube("2022-11", "2022-12")
    path = tmp_path / "tid.xlsx"
    write(path, tid_book(cube, header_row))
    found, report = rows_of(path, TID, tmp_path)
    total = {
        (r["period"], r["municipality_raw"]): r["value"]
        for r in found
        if r["sheet_or_cache"] == "Total"
        and r["measure_raw"] == "UA12"
        and r["county_raw"] == "Västernorrlands län"
    }
    expected = cube.summed(lambda row: (row.month, row.county, row.municipality))
    assert total == {(k[0], k[2]): v[2] for k, v in expected.items() if k[1] == "Västernorrlands län"}
    assert {r["sheet_or_cache"] for r in found} == {"Total", "Kön", "Ålder", "Utbildningsnivå", "Födelseland"}
    assert any(r["is_masked"] for r in found if r["sheet_or_cache"] != "Total")
    assert not any(r["is_masked"] for r in found if r["sheet_or_cache"] == "Total")
    assert all(r["value"] is None for r in found if r["is_masked"])
    assert report.notes == []


@pytest.mark.parametrize("header_row", [4, 9])
def test_shares_with_real_cells_keep_fractions_and_the_span_of_the_title(tmp_path, header_row):
    path = tmp_path / "reg.xlsx"
    write(path, reg_book(Cube("2022-12", "2022-12"), header_row))
    found, report = rows_of(path, layout_of("andel_av_reg"), tmp_path)
    shares = {r["municipality_raw"]: r["value"] for r in found if r["measure_raw"] == "TOTANDEL"}
    counts = {r["municipality_raw"]: r["value"] for r in found if r["measure_raw"] == "TOTSOK"}
    forces = {r["municipality_raw"]: r["value"] for r in found if r["measure_raw"] == "TOTAK"}
    assert 0.02 < shares["Mölndal"] < 0.08
    assert shares["Mölndal"] == pytest.approx(counts["Mölndal"] / forces["Mölndal"])
    assert {r["age_span"] for r in found} == {"16-64"}
    assert report.notes == []


@pytest.mark.parametrize(
    ("title", "span"),
    [
        ("Inskrivna arbetslösa, 16–64 år", "16-64"),
        ("… av arbetskraften (BAS), 16-65 år, 2023", "16-65"),
        ("16 till 66 år", "16-66"),
        ("Unga 18–24 år", None),
        ("Äldre 55-64 år", None),
        ("2016-64", None),
        ("", None),
    ],
)
def test_age_span_of_a_title(title, span):
    assert age_span([title]) == span


TEXT = "PERIOD;LÄN;KOMMUN;KOEN;ARBETSLÖSA;UA06;UA12;UA24\r\n2022-01;Skåne län;Höör;Män;1 240;20,5;0;<5\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_same_layout_as_text_in_any_encoding(tmp_path, encoding, delimiter):
    path = tmp_path / "book.csv"
    path.write_bytes(TEXT.replace(";", delimiter).encode(encoding))
    assert recognise(path, GENDER, "csv", "u") == []
    found, report = rows_of(path, GENDER, tmp_path, "csv")
    assert values(found) == {
        "ARBETSLOSA": (1240.0, None, False),
        "UA06": (20.5, None, False),
        "UA12": (0.0, None, False),
        "UA24": (None, "<5", True),
    }
    assert found[0]["municipality_raw"] == "Höör"
    assert {note.kind for note in report.notes} == {"number_as_text"}


def test_a_text_file_without_the_columns_is_refused(tmp_path):
    path = tmp_path / "book.csv"
    path.write_text("a;b\n1;2\n")
    with pytest.raises(LayoutError, match="not as its layout says"):
        recognise(path, GENDER, "csv", "u")
    path.write_text("en mening")
    with pytest.raises(LayoutError, match="cannot be read as a table"):
        Sheets(path, "csv")
