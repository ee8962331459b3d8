"""Which file is in use: newest accepted, never backwards, never mixed months, last good one when something
is wrong.
"""

import pytest

from ame_warehouse.arbetsformedlingen.layouts import LAYOUTS, layout_of
from ame_warehouse.arbetsformedlingen.release import InUse, Offer, decide, slot_of, state_digest

GROUP = ("andel_av_bas", "sok_lan_kom", "tid_utan_arbete_lan_kom")
LAYERS = [layout for layout in LAYOUTS if layout.dataset in GROUP]
ROM = [layout_of("rusta_och_matcha")]


def offer(dataset, month, sha="new", **more):
    slot = slot_of(layout_of(dataset), month)
    return Offer(
        dataset, slot, f"https://a.se/{dataset}", f"{dataset}-{month}.xlsx", month, "xlsx", sha, 10, **more
    )


def used(dataset, month, sha="old"):
    slot = slot_of(layout_of(dataset), month)
    row = InUse(
        dataset, slot, "new", None, False, f"{dataset}-{month}.xlsx", month, "u", "xlsx", sha, 10, "f1"
    )
    return {slot: row}


def all_used(month, sha="old"):
    return {slot: row for dataset in GROUP for slot, row in used(dataset, month, sha).items()}


def after(offers, before, layouts=LAYERS):
    files, notes = decide(layouts, offers, before)
    return {one.slot: one for one in files}, {note.kind: note for note in notes}


def test_a_first_release_is_taken_into_use():
    files, notes = after([offer(d, "2024-01") for d in GROUP], {})
    assert {one.outcome for one in files.values()} == {"new"}
    assert not any(one.is_stale for one in files.values())
    assert notes == {}


def test_the_same_file_again_is_unchanged_and_keeps_its_rows():
    files, notes = after([offer(d, "2024-01", "old") for d in GROUP], all_used("2024-01"))
    assert {(one.outcome, one.content_fetch_id) for one in files.values()} == {("unchanged", "f1")}
    assert notes == {}


def test_another_content_under_the_same_month_is_a_revision():
    offers = [offer(d, "2024-01", "other" if d == "sok_lan_kom" else "old") for d in GROUP]
    files, notes = after(offers, all_used("2024-01"))
    one = files["sok_lan_kom"]
    assert (one.outcome, one.file_sha256, one.content_fetch_id, one.is_stale) == ("new", "other", None, False)
    assert list(notes) == ["replaced_file"]


@pytest.mark.parametrize(
    ("more", "outcome", "kind"),
    [
        ({"failure": "timeout"}, "failed", "fetch_failed"),
        ({"refusal": "zip bomb"}, "refused", "refused_file"),
    ],
)
def test_what_is_wrong_keeps_the_last_good_file_and_marks_it_stale(more, outcome, kind):
    offers = [offer(d, "2024-02", **(more if d == "sok_lan_kom" else {})) for d in GROUP]
    files, notes = after(offers, all_used("2024-01"))
    one = files["sok_lan_kom"]
    assert (one.outcome, one.period_last, one.file_sha256, one.is_stale) == (outcome, "2024-01", "old", True)
    assert next(iter(more.values())) in one.error
    assert kind in notes
    assert {one.period_last for one in files.values()} == {"2024-01"}, "the others wait for it"


def test_a_file_that_vanished_stays_in_use_stale():
    offers = [offer(d, "2024-01", "old") for d in GROUP if d != "sok_lan_kom"]
    files, _ = after(offers, all_used("2024-01"))
    one = files["sok_lan_kom"]
    assert (one.outcome, one.file_sha256, one.is_stale) == ("missing", "old", True)
    assert {files[d].is_stale for d in GROUP if d != "sok_lan_kom"} == {False}


def test_what_never_was_there_is_missing_and_holds_nobody_back():
    offers = [offer(d, "2024-02") for d in GROUP if d != "sok_lan_kom"]
    before = {slot: row for slot, row in all_used("2024-01").items() if slot != "sok_lan_kom"}
    files, notes = after(offers, before)
    assert (files["sok_lan_kom"].outcome, files["sok_lan_kom"].file_sha256) == ("missing", None)
    assert files["andel_av_bas"].period_last == "2024-02"
    assert "out_of_step" not in notes


def test_a_release_out_of_step_stays_with_the_older_one():
    offers = [offer("andel_av_bas", "2024-01", "old")]
    offers += [offer(d, "2024-02") for d in GROUP if d != "andel_av_bas"]
    files, notes = after(offers, all_used("2024-01"))
    assert {one.period_last for one in files.values()} == {"2024-01"}
    assert {d: files[d].outcome for d in GROUP} == {
        "andel_av_bas": "unchanged",
        "sok_lan_kom": "held",
        "tid_utan_arbete_lan_kom": "held",
    }
    assert files["sok_lan_kom"].is_stale
    assert not files["andel_av_bas"].is_stale
    assert "sok_lan_kom 2024-02" in notes["out_of_step"].found
    assert notes["out_of_step"].severity == "warning"


def test_when_the_last_file_comes_all_move_on_together():
    held, _ = after(
        [offer(d, "2024-02") for d in GROUP if d != "andel_av_bas"]
        + [offer("andel_av_bas", "2024-01", "old")],
        all_used("2024-01"),
    )
    files, notes = after([offer(d, "2024-02") for d in GROUP], held)
    assert {(one.outcome, one.period_last, one.is_stale) for one in files.values()} == {
        ("new", "2024-02", False)
    }
    assert notes == {}


def test_a_first_release_out_of_step_is_used_and_reported():
    offers = [offer(d, "2024-01" if d == "andel_av_bas" else "2024-02") for d in GROUP]
    files, notes = after(offers, {})
    assert {one.outcome for one in files.values()} == {"new"}
    assert "no older release" in notes["out_of_step"].detail


def test_a_revision_of_the_month_in_use_is_taken_though_others_are_ahead():
    offers = [offer("andel_av_bas", "2024-01", "revised"), offer("sok_lan_kom", "2024-02"),
              offer("tid_utan_arbete_lan_kom", "2024-02")]  # fmt: skip
    files, _ = after(offers, all_used("2024-01"))
    assert (files["andel_av_bas"].outcome, files["andel_av_bas"].file_sha256) == ("new", "revised")
    assert files["sok_lan_kom"].outcome == "held"


def test_files_outside_the_group_move_alone():
    layouts = [layout_of("svag_konkurrensformaga"), *LAYERS]
    offers = [offer("svag_konkurrensformaga", "2024-02"), *(offer(d, "2024-01", "old") for d in GROUP)]
    files, notes = after(offers, all_used("2024-01") | used("svag_konkurrensformaga", "2024-01"), layouts)
    assert files["svag_konkurrensformaga"].period_last == "2024-02"
    assert notes == {}


def test_a_page_that_goes_back_in_time_is_not_followed():
    offers = [offer(d, "2023-12") for d in GROUP]
    files, notes = after(offers, all_used("2024-01"))
    assert {(one.outcome, one.period_last) for one in files.values()} == {("held", "2024-01")}
    assert "older_file" in notes


def test_periods_of_rusta_och_matcha_live_side_by_side():
    before = used("rusta_och_matcha", "2025-09") | used("rusta_och_matcha", "2025-11")
    offers = [offer("rusta_och_matcha", "2026-01"), offer("rusta_och_matcha", "2025-11", "revised")]
    files, notes = after(offers, before, ROM)
    assert {slot: (one.outcome, one.is_stale) for slot, one in files.items()} == {
        "rusta_och_matcha/2025-09": ("unchanged", False),
        "rusta_och_matcha/2025-11": ("new", False),
        "rusta_och_matcha/2026-01": ("new", False),
    }
    assert list(notes) == ["replaced_file"]


def test_when_no_period_is_linked_any_more_the_newest_is_stale():
    before = used("rusta_och_matcha", "2025-09") | used("rusta_och_matcha", "2025-11")
    files, _ = after([], before, ROM)
    assert {slot: (one.outcome, one.is_stale) for slot, one in files.items()} == {
        "rusta_och_matcha/2025-09": ("unchanged", False),
        "rusta_och_matcha/2025-11": ("missing", True),
    }


def test_the_digest_changes_with_what_readers_notice_only():
    new, _ = decide(LAYERS, [offer(d, "2024-01") for d in GROUP], {})
    again, _ = decide(LAYERS, [offer(d, "2024-01") for d in GROUP], {one.slot: one for one in new})
    assert {one.outcome for one in again} == {"unchanged"}
    assert state_digest(new, []) == state_digest(again, [])
    gone, _ = decide(LAYERS, [], {one.slot: one for one in new})
    assert state_digest(gone, []) != state_digest(new, [])
    note = {"kind": "missing_file", "severity": "error", "expected": "a", "found": "b", "detail": None}
    assert state_digest(new, [note]) != state_digest(new, [])
    assert state_digest(new, [note]) == state_digest(new, [{**note, "detail": "another time"}])
