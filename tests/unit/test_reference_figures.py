"""The second calculation itself: its subtle rules on a few cells worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.reference.compare import same
from tests.reference.compositions import judge, profile, referrals, share_class
from tests.reference.figures import change, costs
from tests.reference.groups import gaps, group_summary
from tests.reference.knowledge import AnyOf, Dataset, Fetch, Knowledge


def knowledge(*states: Dataset) -> Knowledge:
    """Return what is known after fetches of these states, none of which failed."""
    return Knowledge.after([Fetch(state) for state in states])


def cells(kpi: str, place: str, **by_year: float | None) -> Dataset:
    """Return totals of one KPI and place; `y2022=None` is a null with status Missing."""
    return {
        (kpi, place, int(year[1:]), "T"): (value, "" if value is not None else "Missing", False)
        for year, value in by_year.items()
    }


@pytest.mark.parametrize(
    ("share", "expected"),
    [("14.4", "low"), ("14.5", "medium"), ("49.4", "medium"), ("49.5", "high"), ("14.499999", "low")],
)
def test_classes_are_set_on_whole_per_cent(share: str, expected: str) -> None:
    """Half a per cent counts as the whole above it."""
    assert share_class(Decimal(share)) == expected


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([33.4, 33.3, 34.3], ("complete", 101.0)),
        ([33.4, 33.3, 34.4], ("sum_not_100", 101.1)),
        ([98.9, 0.0], ("sum_not_100", 98.9)),
        ([50.0, None], ("incomplete", None)),
        ([100.0, None], ("incomplete", None)),
        ([None, None], ("missing", None)),
    ],
)
def test_a_composition_is_complete_within_one_of_100(
    shares: list[float | None], expected: tuple[str, float | None]
) -> None:
    """The sum is that of the numbers as written: 33.4 + 33.3 + 34.3 is 101, not a little more."""
    assert judge(shares) == expected


def test_a_composition_falls_back_as_a_whole() -> None:
    """All categories come from the nearest complete year before, of the same composition."""
    state = cells("U40811", "1480", y2019=30.0, y2020=40.0, y2021=37.0, y2022=None)
    state |= cells("U40812", "1480", y2019=70.0, y2020=60.0, y2021=60.0, y2022=55.0)
    row = profile(knowledge(state)).row
    by_year = {year: row(("1480", year, "participants_by_age", "ge_25")) for year in range(2019, 2023)}
    assert (by_year[2021]["comparison_share_pct"], by_year[2021]["value_year"]) == (60.0, 2020)
    assert by_year[2021]["fallback_reason"] == "sum_not_100"
    assert (by_year[2022]["share_pct"], by_year[2022]["comparison_share_pct"]) == (55.0, 60.0)
    assert by_year[2022]["fallback_reason"] == "missing"
    assert by_year[2019]["value_year"] == 2019


def test_a_missing_class_comes_from_the_next_year_first() -> None:
    """2021 lies nearer to 2020 than to 2023; the following year still goes first."""
    row = referrals(knowledge(cells("U40806", "1480", y2020=60.0, y2021=None, y2023=5.0, y2024=None))).row
    assert row(("1480", 2021, "af"))["class_rule"] == "next_year"
    assert row(("1480", 2021, "af"))["share_class"] == "low"
    assert row(("1480", 2024, "af"))["class_year"] == 2023


def test_af_total_is_af_alone_from_2024() -> None:
    """Until 2023 both parts are needed; one of them missing leaves the total missing."""
    state = cells("U40806", "1480", y2022=8.2, y2023=8.2, y2024=14.5) | cells("U40824", "1480", y2022=6.3)
    row = referrals(knowledge(state)).row
    assert (row(("1480", 2022, "af_total"))["share_pct"]) == 14.5
    assert row(("1480", 2023, "af_total"))["share_pct"] is None
    assert row(("1480", 2024, "af_total"))["share_class"] == "medium"


def test_cost_per_participant_of_nobody_is_not_applicable() -> None:
    """Zero participants are known participants."""
    state = cells("N40011", "1480", y2022=100.0) | cells("N01951", "1480", y2022=1000.0)
    row = costs(knowledge(state | cells("U40800", "1480", y2022=0.0))).row(("1480", 2022))
    assert (row["net_cost_sek"], row["net_cost_sek_per_participant"]) == (100_000.0, None)
    assert (row["missing_reason"], row["missing_inputs"]) == ("not_applicable", ())


def test_a_change_from_zero_has_persons_and_no_per_cent() -> None:
    """Nothing can be said in per cent of nothing."""
    assert change(50.0, 0.0) == (50.0, None)
    assert change(0.0, 50.0) == (-50.0, -100.0)
    assert change(None, 50.0) == (None, None)


def test_a_value_that_went_away_is_withdrawn() -> None:
    """Whether as null, as deleted or as no record; a silent KPI keeps its values."""
    before = cells("U40800", "1480", y2020=10.0, y2021=20.0, y2022=30.0) | cells("N40011", "1480", y2022=1.0)
    after: Dataset = {
        ("U40800", "1480", 2020, "T"): (None, "Missing", False),
        ("U40800", "1480", 2021, "T"): (20.0, "", True),
    }
    known = knowledge(before, after)
    assert [known.reason("U40800", "1480", year) for year in (2020, 2021, 2022)] == ["withdrawn"] * 3
    assert known.value("N40011", "1480", 2022) == 1.0


def test_a_year_that_was_withdrawn_altogether_is_expected_of_nobody() -> None:
    """It was a mistake; what had been reported for it says that it was withdrawn."""
    before = cells("U40800", "1480", y2022=1.0, y2023=2.0)
    known = knowledge(before, cells("U40800", "1480", y2022=1.0))
    assert known.years("U40800")[-1] == 2022
    assert known.reason("U40800", "1480", 2023) == "withdrawn"
    gone = knowledge(before, {("U40800", "1480", 2022, "T"): (None, "", False)})
    assert known.is_expected("U40800", "1440", 2022) and not known.is_expected("U40800", "1440", 2023)
    assert gone.years("U40800")[-1] == 2023, "a KPI without any value left keeps its years"


def test_what_no_fetch_asked_for_is_not_loaded() -> None:
    """A backfill of one year says nothing of the others, and takes nothing away from them."""
    state = cells("U40800", "1480", y2021=1.0, y2022=2.0)
    known = Knowledge.after([Fetch(state, years=frozenset({2022})), Fetch({}, years=frozenset({2020}))])
    reasons = [known.reason("U40800", "1480", year) for year in (2020, 2021, 2022)]
    assert reasons == ["not_reported", "not_loaded", None]


def test_reasons_of_cells_without_value() -> None:
    """What was not fetched is not "i.u."; what was asked for and not answered is."""
    state = cells("U40800", "1480", y2017=None, y2018=5.0)
    state["U40800", "1480", 2018, "K"] = (None, "Privacy", False)
    known = Knowledge.after([Fetch(state, frozenset({"N03921"}))])
    assert known.reason("U40800", "1480", 2017) == "not_reported"
    assert known.reason("U40800", "1480", 2018, "K") == "suppressed"
    assert known.reason("N03921", "1480", 2012) == "not_loaded"


def test_group_means_ties_and_panel() -> None:
    """Ties go to the lowest id; the panel holds those that report in both years."""
    state = cells("N31807", "1481", y2021=1.0, y2022=2.0) | cells("N31807", "1402", y2022=2.0)
    state |= cells("N31807", "1407", y2021=3.0) | cells("N01951", "1481", y2022=300.0)
    state |= cells("N01951", "1402", y2022=100.0)
    measure = "social_assistance_recipients_incl_children_share_of_population"
    row = group_summary(knowledge(state)).row(("G96190", 2022, "T", measure))
    assert (row["min_municipality_id"], row["max_municipality_id"]) == ("1402", "1402")
    assert (row["mean_constant_panel"], row["panel_n"], row["n_reporting"]) == (2.0, 1, 2)
    assert (row["mean_weighted"], row["weight_measure_id"]) == (2.0, "population_total")
    assert row["sum_reported"] is None


def test_a_gap_is_new_when_the_year_before_was_reported() -> None:
    """A silence that goes on is chronic."""
    table = gaps(knowledge(cells("U40800", "1480", y2021=10.0) | cells("U40800", "1481", y2023=1.0)))
    measure = "ame_participants_total"
    assert table.row((measure, "1480", 2022))["kind"] == "new"
    assert table.row((measure, "1480", 2023)) == {
        "missing_reason": "not_reported",
        "kind": "chronic",
        "last_reported_year": 2021,
    }


def test_numbers_are_compared_with_a_tolerance_and_words_literally() -> None:
    """Zero is not null, and one of several allowed values is enough."""
    assert same(1.0, 1.0 + 5e-7)
    assert not same(1.0, 1.00001)
    assert not same(0.0, None)
    assert same(AnyOf(("a", None)), None)
    assert same(("0114", "0115"), "0114, 0115")
    assert not same("1", 1)
