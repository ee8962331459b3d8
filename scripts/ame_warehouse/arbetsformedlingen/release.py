"""Which file of each dataset is in use after a fetch: pure rules, no network and no disk.

A *slot* is what one file fills: a dataset, or, where each file is a period of its own, a dataset and a
period. The newest file that was accepted is used, with three exceptions: a file older than the one in use,
a file that failed, and files of one release group that do not all show the same month (then the older
release of all of them stays).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ame_warehouse.arbetsformedlingen.layouts import Layout
from ame_warehouse.arbetsformedlingen.notes import Note

Outcome = Literal["new", "unchanged", "failed", "missing", "refused", "held"]
GOOD: frozenset[str] = frozenset({"new", "unchanged"})


@dataclass
class Offer:
    """What the source offered for a slot: the link, what came of it, and the validators for the next poll."""

    dataset: str
    slot: str
    url: str
    file_name: str
    month: str
    suffix: str
    file_sha256: str | None = None
    bytes: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    refusal: str | None = None
    failure: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the offer for fetch.json."""
        return asdict(self)


@dataclass
class InUse:
    """One row of files.parquet: the file in use for a slot after a fetch (none when all but `dataset` is
    null).
    """

    dataset: str
    slot: str
    outcome: str
    error: str | None = None
    is_stale: bool = False
    file_name: str | None = None
    period_last: str | None = None
    url: str | None = None
    suffix: str | None = None
    file_sha256: str | None = None
    bytes: int | None = None
    content_fetch_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the row for fetch.json."""
        return asdict(self)


def slot_of(layout: Layout, month: str) -> str:
    """Return the slot that a file of a month fills."""
    return f"{layout.dataset}/{month}" if layout.every_period else layout.dataset


def _take(offer: Offer, before: InUse | None) -> InUse:
    same = before is not None and before.file_sha256 == offer.file_sha256
    return InUse(
        offer.dataset,
        offer.slot,
        "unchanged" if same else "new",
        None,
        False,
        offer.file_name,
        offer.month,
        offer.url,
        offer.suffix,
        offer.file_sha256,
        offer.bytes,
        before.content_fetch_id if same and before else None,
    )


def _keep(before: InUse | None, layout: Layout, slot: str, outcome: Outcome, error: str | None) -> InUse:
    if before is None or before.file_sha256 is None:
        return InUse(layout.dataset, slot, outcome, error, False)
    return InUse(**{**asdict(before), "outcome": outcome, "error": error, "is_stale": True})


def decide(
    layouts: Sequence[Layout], offers: Iterable[Offer], before: Mapping[str, InUse]
) -> tuple[list[InUse], list[Note]]:
    """Return the files in use after a fetch, by slot, and what is to be reported.

    Args:
        layouts: the known files. offers: what the page linked, with what came of it. before: {slot: file
        in use}.
    """
    notes: list[Note] = []
    by_slot = {offer.slot: offer for offer in offers}
    after: dict[str, InUse] = {}
    for layout in layouts:
        for slot in _slots(layout, by_slot, before):
            after[slot] = _judge(layout, slot, by_slot, before, notes)
    for group in dict.fromkeys(layout.release_group for layout in layouts if layout.release_group):
        members = [layout for layout in layouts if layout.release_group == group]
        _in_step(members, before, after, notes)
    return [after[slot] for slot in sorted(after)], notes


def _slots(layout: Layout, offers: Mapping[str, Offer], before: Mapping[str, InUse]) -> list[str]:
    if not layout.every_period:
        return [layout.dataset]
    own = {slot for slot, one in offers.items() if one.dataset == layout.dataset}
    own |= {slot for slot, used in before.items() if used.dataset == layout.dataset and used.file_sha256}
    return sorted(own) or [layout.dataset]


def _judge(
    layout: Layout,
    slot: str,
    offers: Mapping[str, Offer],
    all_before: Mapping[str, InUse],
    notes: list[Note],
) -> InUse:
    offer, before = offers.get(slot), all_before.get(slot)
    if offer is None:
        linked = [one for one in offers.values() if one.dataset == layout.dataset]
        newest = max((s for s, used in all_before.items() if used.dataset == layout.dataset), default=slot)
        if layout.every_period and before is not None and (linked or slot != newest):
            return InUse(**{**asdict(before), "outcome": "unchanged", "error": None, "is_stale": False})
        return _keep(before, layout, slot, "missing", f"the page links no {layout.prefix}-YYYY-MM.xlsx")
    if offer.failure is not None:
        notes.append(Note("fetch_failed", "warning", f"{offer.file_name}", "not fetched", offer.failure))
        return _keep(before, layout, slot, "failed", offer.failure)
    if offer.refusal is not None:
        notes.append(Note("refused_file", "error", f"{offer.file_name}: usable", "refused", offer.refusal))
        return _keep(before, layout, slot, "refused", offer.refusal)
    if before is not None and before.period_last is not None and offer.month < before.period_last:
        text = f"the page offers {offer.month}, {before.period_last} is in use"
        notes.append(Note("older_file", "warning", f"{layout.dataset}: {before.period_last} or later", text))
        return _keep(before, layout, slot, "held", text)
    taken = _take(offer, before)
    if taken.outcome == "new" and before is not None and before.period_last == offer.month:
        notes.append(
            Note(
                "replaced_file",
                "info",
                f"{layout.dataset} {offer.month}: the file as before",
                "another content under the same month: a revision",
                offer.file_name,
            )
        )
    return taken


def _in_step(
    members: Sequence[Layout],
    before: Mapping[str, InUse],
    after: dict[str, InUse],
    notes: list[Note],
) -> None:
    """Hold back the files of a release group that are ahead of the others."""
    months = {m.dataset: after[m.dataset].period_last for m in members}
    known = {dataset: month for dataset, month in months.items() if month is not None}
    if len(set(known.values())) <= 1:
        return
    oldest = min(known.values())
    shown = ", ".join(f"{dataset} {month}" for dataset, month in sorted(known.items()))
    kept = []
    for member in members:
        slot = member.dataset
        used, old = after[slot], before.get(slot)
        ahead = used.period_last is not None and used.period_last > oldest
        moved = used.outcome == "new" and (old is None or old.period_last != used.period_last)
        if ahead and moved and old is not None and old.file_sha256 is not None:
            text = f"the release is out of step ({shown}); {old.period_last} stays in use"
            after[slot] = _keep(old, member, slot, "held", text)
            kept.append(f"{slot} {old.period_last}")
    notes.append(
        Note(
            "out_of_step",
            "warning",
            f"files of one release ({members[0].release_group}) that end in the same month",
            shown,
            f"in use: {', '.join(kept)}"
            if kept
            else "no older release to stay with: each is used as far as it goes",
        )
    )


def state_digest(files: Sequence[InUse], findings: Sequence[Mapping[str, Any]]) -> str:
    """Return a checksum of what readers would notice; equal digests mean that a poll brought nothing new."""
    state = [
        [one.slot, one.file_sha256, one.period_last, one.outcome in GOOD or one.outcome, one.is_stale]
        for one in files
    ]
    notes = sorted(
        json.dumps([note["kind"], note["severity"], note["expected"], note["found"]], ensure_ascii=False)
        for note in findings
        if note["kind"] not in ("replaced_file", "clock_behind")
    )
    return hashlib.sha256(json.dumps([state, notes], ensure_ascii=False).encode()).hexdigest()
