"""Text in the encodings that AF and SCB use, and cells read as numbers and months."""

from datetime import UTC, date, datetime

import pytest

from ame_warehouse.arbetsformedlingen.text import decode, read_delimited, read_month, read_number, read_text

NAMES = "Göteborg;Härryda;Öckerö;Åre"


@pytest.mark.parametrize(
    "body",
    [
        NAMES.encode("utf-8"),
        b"\xef\xbb\xbf" + NAMES.encode("utf-8"),
        NAMES.encode("latin-1"),
        NAMES.encode("cp1252"),
        b"\xff\xfe" + NAMES.encode("utf-16-le"),
        b"\xfe\xff" + NAMES.encode("utf-16-be"),
    ],
)
def test_every_encoding_gives_the_same_text(body):
    assert decode(body) == NAMES


def test_a_declared_charset_is_used_and_a_wrong_one_is_not_believed():
    assert decode("Malmö".encode("latin-1"), "text/html; charset=ISO-8859-1") == "Malmö"
    page = '<meta charset="iso-8859-1"><p>Malmö – 16–64</p>'
    assert decode(page.encode("cp1252")) == page
    assert decode("Malmö".encode("latin-1"), "text/html; charset=utf-8") == "Malmö"
    assert decode("Malmö".encode(), "text/html; charset=no-such-thing") == "Malmö"


@pytest.mark.parametrize(("mark", "encoding"), [("", "utf-8"), ("\ufeff", "utf-8"), ("", "latin-1")])
@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_delimited_text(mark, encoding, delimiter):
    text = (
        mark + delimiter.join(["PERIOD", "LÄN", "KOMMUN"]) + "\r\n" + delimiter.join(["2022-01", "x", "Åre"])
    )
    assert read_delimited(text.encode(encoding)) == [["PERIOD", "LÄN", "KOMMUN"], ["2022-01", "x", "Åre"]]


def test_text_without_columns_is_refused():
    with pytest.raises(ValueError, match="no columns"):
        read_delimited(b"only a sentence")


@pytest.mark.parametrize(
    ("cell", "value", "text", "masked", "known"),
    [
        (0, 0.0, None, False, True),
        (17.5, 17.5, None, False, True),
        ("<5", None, "<5", True, True),
        (" < 5 ", None, " < 5 ", True, True),
        ("-", None, "-", False, True),
        ("Uppgift saknas", None, "Uppgift saknas", False, True),
        ("..", None, "..", False, True),
        ("", None, None, False, True),
        (None, None, None, False, True),
        ("12,5", 12.5, None, False, True),
        ("1 234", 1234.0, None, False, True),
        ("1\u00a0234", 1234.0, None, False, True),
        ("12 34", None, "12 34", False, False),
        ("många", None, "många", False, False),
        (True, None, "True", False, False),
        (float("nan"), None, "nan", False, False),
    ],
)
def test_numbers(cell, value, text, masked, known):
    found = read_number(cell)
    assert (found.value, found.text, found.is_masked, found.is_known) == (value, text, masked, known)


@pytest.mark.parametrize(
    ("cell", "month"),
    [
        ("2022-07", "2022-07"),
        ("2022M07", "2022-07"),
        ("202207", "2022-07"),
        (202207.0, "2022-07"),
        ("2022-07-01", "2022-07"),
        ("2022-07-01T00:00:00", "2022-07"),
        (date(2022, 7, 1), "2022-07"),
        (datetime(2022, 7, 1, tzinfo=UTC), "2022-07"),
        ("2022-13", None),
        ("2022", None),
        ("Källa: Arbetsförmedlingen", None),
        (None, None),
    ],
)
def test_months(cell, month):
    assert read_month(cell) == month


def test_whole_numbers_as_text_have_no_decimals():
    assert read_text(10072975.0) == "10072975"
    assert read_text("  Borås\u00a0") == "Borås"
    assert read_text("   ") is None
