"""Mutants of the Great Expectations checks: each check removed, inverted, and with each limit taken away.

A mutant is killed when a case of `gx_world` no longer comes out as it must: good data pass, bad data make the
check fail (that the checks as they are do so: tests/unit/test_gx_suites.py). One Great Expectations
context serves all of them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
from tests.unit.gx_good_world import checks, world
from tests.unit.gx_world import BAD, OTHER_SIDE, STILL_GOOD

from ame_warehouse.quality import gx_runner, suites
from ame_warehouse.quality.suites import Suite
from ame_warehouse.settings import Settings

OPPOSITE = {
    "expect_column_values_to_be_null": "expect_column_values_to_not_be_null",
    "expect_column_values_to_not_be_null": "expect_column_values_to_be_null",
    "expect_column_values_to_be_in_set": "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_not_be_in_set": "expect_column_values_to_be_in_set",
}
LIMITS = ("min_value", "max_value", "mostly")


def survivors(settings: Settings) -> tuple[int, list[str]]:
    """Return the number of mutants, and those that no case notices (`check_id: mutation`)."""
    validator = gx_runner.Validator(settings, "mutation", "marts")
    found, alive = 0, []
    for check in checks(settings):
        suite = suites.load_suite(settings, check.suite)
        frames = _frames(settings, suite, check.check_id)
        for what, mutant in _mutants(suite, check.check_id):
            found += 1
            if _comes_out_right(validator, mutant, check.check_id, frames):
                alive.append(f"{check.check_id}: {what}")
    return found, alive


Frames = list[tuple[str, pd.DataFrame]]


def _frames(settings: Settings, suite: Suite, check_id: str) -> Frames:
    """Return what the check must say (passed, failed), and the frame of which it must say so."""
    cases = [("passed", ""), ("failed", BAD[check_id][0])]
    cases += [("failed", OTHER_SIDE[check_id])] if check_id in OTHER_SIDE else []
    cases += [("passed", STILL_GOOD[check_id])] if check_id in STILL_GOOD else []
    frames = []
    for status, statement in cases:
        with world(settings) as con:
            if statement:
                con.execute(statement)
            frames.append((status, con.execute(suite.query).df()))
    return frames


def _comes_out_right(validator: gx_runner.Validator, suite: Suite, check_id: str, frames: Frames) -> bool:
    """True when every case comes out as it must: a mutant of which that is true goes unnoticed."""
    return all(_status(validator, suite, check_id, frame) == status for status, frame in frames)


def _status(validator: gx_runner.Validator, suite: Suite, check_id: str, frame: pd.DataFrame) -> str:
    if not suite.body["expectations"]:
        return "removed"
    results = {r.check_id: r.status for r in gx_runner.run_suite(validator, suite, frame)}
    return results.get(check_id, "removed")


def _only(suite: Suite, check_id: str) -> Suite:
    """Return the suite with one expectation, under a name of its own."""
    body = copy.deepcopy(suite.body)
    body["expectations"] = [e for e in body["expectations"] if e["meta"]["check_id"] == check_id]
    return replace(
        suite,
        name=f"only_{check_id}",
        body=body | {"name": f"only_{check_id}"},
        checks={check_id: suite.checks[check_id]},
    )


def _mutants(suite: Suite, check_id: str) -> Iterator[tuple[str, Suite]]:
    own = _only(suite, check_id)
    (expectation,) = own.body["expectations"]
    yield "removed", _with(own, "removed", None)
    yield "inverted", _with(own, "inverted", _inverted(expectation))
    kwargs = expectation["kwargs"]
    limits = [name for name in LIMITS if name in kwargs]
    if len(limits) > 1:
        for name in limits:
            rest = {key: value for key, value in kwargs.items() if key != name}
            yield f"without {name}", _with(own, f"no_{name}", {**expectation, "kwargs": rest})


def _inverted(expectation: dict[str, Any]) -> dict[str, Any]:
    kwargs, kind = dict(expectation["kwargs"]), expectation["type"]
    if kind in OPPOSITE:
        return {**expectation, "type": OPPOSITE[kind]}
    if kind == "expect_column_values_to_be_between":
        low, high = kwargs.pop("min_value", None), kwargs.pop("max_value", None)
        beyond = (
            {"min_value": high, "strict_min": True}
            if high is not None
            else {"max_value": low, "strict_max": True}
        )
        return {**expectation, "kwargs": kwargs | beyond}
    # unique, contain_set: nothing of what is there is allowed
    return {
        **expectation,
        "type": "expect_column_values_to_be_in_set",
        "kwargs": {"column": kwargs["column"], "value_set": []},
    }


def _with(suite: Suite, name: str, expectation: dict[str, Any] | None) -> Suite:
    body = {
        **suite.body,
        "name": f"{suite.name}_{name}",
        "expectations": [expectation] if expectation else [],
    }
    return replace(suite, name=f"{suite.name}_{name}", body=body)
