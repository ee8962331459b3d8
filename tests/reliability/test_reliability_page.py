"""docs/reliability.md says what the tests count, and names tests that are there."""

from __future__ import annotations

import re

from tests.faults import test_af_matrix, test_fault_matrix, test_fuzz, test_source_faults
from tests.reliability.cases import CASES
from tests.unit import test_kolada_client_properties

from ame_warehouse.settings import PROJECT_ROOT

TEXT = (PROJECT_ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
BASIC = {"chunk_abort", "not_json", "envelope", "503", "404", "shift"}  # not in the short form, see `ALIKE`


def test_the_numbers_of_the_page_are_those_of_the_tests() -> None:
    kinds = {**test_fault_matrix.BREAKS, **test_fault_matrix.PAGES}
    af_requests = 1 + len(test_af_matrix.SLOTS)
    expected = CASES | {
        "Kolada: passes": len(test_source_faults.PASSING) * test_source_faults.LONGEST,
        "Kolada: a page fault, once": len(test_fault_matrix.PAGES) * test_fault_matrix.REQUESTS,
        "Kolada: stays": len(kinds.keys() - BASIC) * test_fault_matrix.REQUESTS,
        "AF: passes": len(test_af_matrix.PASSING) * af_requests,
        "client: odd pages": test_kolada_client_properties.EXAMPLES,
        "fuzz: pages of Kolada": test_fuzz.PAGES * test_fuzz.BATCHES,
        "fuzz: index pages": test_fuzz.INDEX_PAGES,
        "fuzz: workbooks": test_fuzz.WORKBOOKS * len(test_fuzz.DATASETS) * len(test_fuzz.WAYS),
        "AF: stays": len(test_af_matrix.KINDS) * af_requests,
    }
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (\d+) \| `[^|]+` \|$", TEXT, re.MULTILINE)
    assert {name: int(number) for name, number in rows} == expected
    killed = sum(number for name, number in CASES.items() if "killed" in name)
    assert killed >= 40
    assert sum(number for name, number in expected.items() if name.startswith("fuzz")) >= 10_000


def test_the_tests_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"`((?:tests/[a-z]+/)?\w+\.py)`", TEXT))
    assert len(named) > 12
    for name in named:
        found = [PROJECT_ROOT / name] if "/" in name else list((PROJECT_ROOT / "tests").glob(f"*/{name}"))
        assert any(path.is_file() for path in found), name
