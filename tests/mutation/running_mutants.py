"""Mutants of the checks made in Python: each never fails, and each says the opposite.

All of them are made by `register.Entry.result`: there a mutant is put in. It is killed when the good day
opens an incident of the check, or the bad day opens none.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from tests.mutation.running_world import DAYS, Day, settings_in

from ame_warehouse.quality import register
from ame_warehouse.quality.incidents import list_incidents
from ame_warehouse.quality.register import Entry
from ame_warehouse.quality.results import CheckResult

FLIPPED = {"passed": "failed", "failed": "passed", "errored": "passed"}
MUTATIONS = {"removed": dict.fromkeys(FLIPPED, "passed"), "inverted": FLIPPED}


def survivors() -> tuple[int, list[str]]:
    """Return the number of mutants, and what no day notices."""
    entries = register.load(settings_in(tempfile.gettempdir())).entries
    checks = [entry.check_id for entry in entries.values() if entry.checked_by == "python"]
    found, alive = 0, [f"{check}: has no days in running_world" for check in checks if check not in DAYS]
    for check in checks:
        if check not in DAYS:
            continue
        if not _comes_out_right(check):
            alive.append(f"{check}: its days do not come out as they must")
        for name, statuses in MUTATIONS.items():
            found += 1
            with _mutated(check.removesuffix("*"), statuses):
                if _comes_out_right(check):
                    alive.append(f"{check}: {name}")
    return found, alive


def _comes_out_right(check: str) -> bool:
    good, bad = DAYS[check]
    return not _opened(check, good) and _opened(check, bad)


def _opened(check: str, day: Day) -> bool:
    with tempfile.TemporaryDirectory(prefix="ame-mutation-") as folder:
        settings = settings_in(folder)
        day(settings)
        return any(
            i.check_id.startswith(check.removesuffix("*")) for i in list_incidents(settings, open_only=True)
        )


@contextmanager
def _mutated(stem: str, statuses: dict[str, str]) -> Iterator[None]:
    real = Entry.result

    def result(self: Entry, **told: Any) -> CheckResult:
        made = real(self, **told)
        if not self.check_id.startswith(stem):
            return made
        return replace(made, status=statuses[made.status])  # type: ignore[arg-type]

    with mock.patch.object(Entry, "result", result):
        yield
