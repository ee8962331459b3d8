"""How many cases of each fault the tests run: docs/reliability.md shows these numbers, the tests hold them.

AME_RELIABILITY=full runs the longer form: every kill point, and more kills at random times.
"""

from __future__ import annotations

import os

IS_FULL = os.environ.get("AME_RELIABILITY") == "full"
TEST_SECONDS = 3600 if IS_FULL else 600

CASES = {
    "killed at an operation": 30,
    "killed at a random moment": 8,
    "killed in the AF steps": 12,
    "killed in PostgreSQL": 10,
    "killed in dbt or in the checks": 4,
    "published twice, killed": 8,
    "an operation fails": 27,
    "a full file system": 5,
    "a read-only file system": 1,
    "a damaged file": 16,
    "a clock that is wrong": 3,
    "two runs at once": 3,
    "a reader that holds the file": 2,
}
