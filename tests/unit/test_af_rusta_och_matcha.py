"""Rusta och matcha: columns by name, ratings or '-', columns that come and go, weights, and the real file
where it is.
"""

from pathlib import Path

import pytest

from ame_warehouse.arbetsformedlingen.layouts import layout_of
from ame_warehouse.arbetsformedlingen.long import LongWriter
from ame_warehouse.arbetsformedlingen.notes import LayoutError
from ame_warehouse.arbetsformedlingen.rusta_och_matcha import weighted_result
from ame_warehouse.arbetsformedlingen.workbook import read, recognise
from ame_warehouse.sample.af_workbooks import rom_book, rom_columns
from ame_warehouse.sample.af_xlsx import Sheet, Workbook, write

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared/facts/samples/af_original/rusta-och-matcha_resultatuppfoljning_2026-01.xlsx"
LAYOUT = layout_of("rusta_och_matcha")
GOOD = (
    "2026-01",
    "Område",
    "Leverantör",
    99000001,
    "2023-04-17",
    "Ja",
    3,
    "Nej",
    0.2,
    "Nej",
    "Nej",
    20,
    5,
    5,
    10,
)
RESULTS = (2, 1, 1, 1, 2, 2)


def agreements(path, tmp_path):
    writer = LongWriter(tmp_path / "long.parquet")
    try:
        return read(path, LAYOUT, "xlsx", {"fetch_id": "f", "file_sha256": "s", "dataset": "r"}, writer)
    finally:
        writer.close()


def book(
    tmp_path, *rows, names=None, weights=(("Vikt nivå A", 0.7), ("Vikt nivå B", 1.0), ("Vikt nivå C", 1.3))
):
    path = tmp_path / "rom.xlsx"
    header = names or tuple(rom_columns(with_risk=True))
    sheets = [
        Sheet("Beskrivning 2026-01", [("text",)]),
        Sheet("Resultat 2026-01", [header, *rows, *[()] * 8]),
    ]
    sheets += [Sheet("Beräkningssnurra 2026-01", [(), *weights])] if weights else []
    write(path, Workbook(sheets))
    return path


def with_cell(name, cell):
    row = [*GOOD, *RESULTS]
    row[rom_columns(with_risk=True).index(name)] = cell
    return tuple(row)


@pytest.mark.skipif(not REAL.is_file(), reason="the real sample file is not beside the repository")
def test_the_real_file(tmp_path):
    assert recognise(REAL, LAYOUT, "xlsx", "u") == []
    rows, report = agreements(REAL, tmp_path)
    assert len(rows) == 925
    assert len({row["delivery_area"] for row in rows}) == 69
    assert len({row["provider_name"] for row in rows}) == 221
    assert sum(row["participants"] for row in rows) == 75_667
    assert all(row["participants"] == sum(row[f"participants_{level}"] for level in "abc") for row in rows)
    assert {row["rating"] for row in rows} == {None, 1, 2, 3, 4}
    assert {row["rating_raw"] for row in rows if row["rating"] is None} == {"-"}
    assert len({row["ka_number"] for row in rows}) == 925
    assert all(len(row["ka_number"]) == 8 and row["ka_number"].isdigit() for row in rows)
    assert {row["period"] for row in rows} == {"2026-01"}
    assert all(abs(weighted_result(row) - row["weighted_result"]) <= 0.0006 for row in rows)
    assert report.notes == []
    assert report.quarantine == []


def test_a_generated_file_with_declared_empty_rows(tmp_path):
    path = tmp_path / "rom.xlsx"
    write(path, rom_book("2022-11", 0, True))
    rows, report = agreements(path, tmp_path)
    assert len(rows) == 24
    assert [row["row_no"] for row in rows] == list(range(2, 26))
    assert all(abs(weighted_result(row) - row["weighted_result"]) <= 0.0006 for row in rows)
    assert {(row["follow_up_from_months"], row["follow_up_to_months"]) for row in rows} == {(11, 22)}
    assert {row["rating_raw"] for row in rows if row["rating"] is None} == {"-"}
    assert report.notes == []


def test_a_column_that_disappears_is_null_and_said(tmp_path):
    path = tmp_path / "rom.xlsx"
    write(path, rom_book("2023-01", 0, False))
    rows, report = agreements(path, tmp_path)
    assert {row["is_risk_of_termination"] for row in rows} == {None}
    assert {row["is_below_0_2"] for row in rows} <= {True, False}
    assert [(note.kind, note.severity) for note in report.notes] == [("missing_column", "info")]
    assert "RISKERAR HÄVNING" in report.notes[0].expected


def test_a_revision_changes_some_agreements_and_keeps_their_keys(tmp_path):
    write(tmp_path / "a.xlsx", rom_book("2022-11", 0, True))
    write(tmp_path / "b.xlsx", rom_book("2022-11", 1, True))
    before, _ = agreements(tmp_path / "a.xlsx", tmp_path)
    after, _ = agreements(tmp_path / "b.xlsx", tmp_path)
    assert [row["ka_number"] for row in before] == [row["ka_number"] for row in after]
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 12


@pytest.mark.parametrize(
    ("cell", "rating"), [(1, 1), (4, 4), ("3", 3), ("-", None), (None, None), ("–", None)]
)
def test_ratings(tmp_path, cell, rating):
    rows, report = agreements(book(tmp_path, with_cell("BETYG", cell)), tmp_path)
    assert rows[0]["rating"] == rating
    assert report.quarantine == []


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("BETYG", 5),
        ("BETYG", 0),
        ("BETYG", 2.5),
        ("BETYG", "bra"),
        ("PERIOD", "januari"),
        ("KA-NUMMER", None),
        ("KA-NUMMER", "A1"),
        ("STARTDATUM AVTAL", "i våras"),
        ("RISKERAR HÄVNING", "kanske"),
        ("VIKTAT RESULTATMÅTT", "högt"),
        ("ANTAL DELTAGARE", -1),
        ("ANTAL RR1 NIVÅ A", 1.5),
    ],
)
def test_a_row_that_cannot_be_typed_is_put_aside(tmp_path, name, cell):
    good = [(*GOOD[:3], 99000002 + n, *GOOD[4:], *RESULTS) for n in range(3)]
    rows, report = agreements(book(tmp_path, with_cell(name, cell), *good), tmp_path)
    assert len(rows) == 3
    assert [entry["row_no"] for entry in report.quarantine] == [2]


def test_small_counts_are_printed_and_zero_is_a_value(tmp_path):
    rows, _ = agreements(book(tmp_path, with_cell("ANTAL RR1 NIVÅ A", 0)), tmp_path)
    assert rows[0]["rr1_a"] == 0
    assert rows[0]["rr2_a"] == 1


def test_results_stand_by_level_and_part(tmp_path):
    rows, _ = agreements(book(tmp_path, (*GOOD, *RESULTS)), tmp_path)
    assert [rows[0][f"rr{n}_{level}"] for level in "abc" for n in (1, 2)] == list(RESULTS)
    assert (rows[0]["weight_a"], rows[0]["weight_b"], rows[0]["weight_c"]) == (0.7, 1.0, 1.3)


def test_an_agreement_twice_is_put_aside_once(tmp_path):
    rows, report = agreements(book(tmp_path, (*GOOD, *RESULTS), (*GOOD, *RESULTS)), tmp_path)
    assert len(rows) == 1
    assert report.quarantine[0]["reason"] == "agreement twice in one period"


def test_parts_that_do_not_make_the_whole_are_noted(tmp_path):
    rows, report = agreements(book(tmp_path, with_cell("ANTAL DELTAGARE", 21)), tmp_path)
    assert rows[0]["participants"] == 21
    assert "participants_sum" in {note.kind for note in report.notes}
    _, report = agreements(book(tmp_path, with_cell("VIKTAT RESULTATMÅTT", 0.9)), tmp_path)
    assert "weighted_result" in {note.kind for note in report.notes}


def test_without_weights_the_rows_are_kept(tmp_path):
    rows, report = agreements(book(tmp_path, (*GOOD, *RESULTS), weights=()), tmp_path)
    assert rows[0]["weight_a"] is None
    assert weighted_result(rows[0]) is None
    assert [note.kind for note in report.notes] == ["missing_weights"]


@pytest.mark.parametrize("name", ["KA-NUMMER", "BETYG", "ANTAL DELTAGARE NIVÅ B", "VIKTAT RESULTATMÅTT"])
def test_a_needed_column_that_is_renamed_is_refused_by_name(tmp_path, name):
    names = tuple("OMDÖPT" if one == name else one for one in rom_columns(with_risk=True))
    with pytest.raises(LayoutError) as fault:
        recognise(book(tmp_path, (*GOOD, *RESULTS), names=names), LAYOUT, "xlsx", "u")
    (note,) = fault.value.notes
    assert (note.kind, note.expected) == ("renamed_column", f"Resultat: {name}")
    assert "OMDÖPT" in note.found


def test_an_added_column_and_another_order(tmp_path):
    names = ("NYTT", *rom_columns(with_risk=True))
    rows, report = agreements(book(tmp_path, ("x", *GOOD, *RESULTS), names=names), tmp_path)
    assert rows[0]["participants"] == 20
    assert [note.kind for note in report.notes if note.severity == "warning"][:1] == ["added_column"]


def test_a_workbook_without_results_is_refused(tmp_path):
    path = tmp_path / "rom.xlsx"
    write(path, Workbook([Sheet("Beskrivning", [("text",)])]))
    with pytest.raises(LayoutError, match="no sheet of results"):
        recognise(path, LAYOUT, "xlsx", "u")


def test_a_row_without_a_delivery_area_is_put_aside(tmp_path):
    nameless = (GOOD[0], None, *GOOD[2:])
    other = (*GOOD[:3], 99000002, *GOOD[4:])
    found, report = agreements(book(tmp_path, (*other, *RESULTS), (*nameless, *RESULTS)), tmp_path)
    assert [one["ka_number"] for one in found] == ["99000002"]
    assert [one["column_name"] for one in report.quarantine] == ["LEVERANSOMRÅDE"]
