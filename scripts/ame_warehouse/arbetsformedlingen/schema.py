"""The columns of the parsed files of Arbetsförmedlingen; one place, used to write them and to test them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

TEXT = pa.string()
CODED = pa.dictionary(pa.int32(), pa.string())
TIME = pa.timestamp("us")
LEVELS = ("a", "b", "c")

JOBSEEKERS = pa.schema(
    [
        ("fetch_id", CODED),
        ("file_sha256", CODED),
        ("dataset", CODED),
        ("sheet_or_cache", CODED),
        ("period", CODED),
        ("county_raw", CODED),
        ("municipality_raw", CODED),
        ("gender_raw", CODED),
        ("age_raw", CODED),
        ("education_raw", CODED),
        ("birth_raw", CODED),
        ("other_raw", CODED),
        ("measure_raw", CODED),
        ("value", pa.float64()),
        ("raw_text", CODED),
        ("is_masked", pa.bool_()),
        ("age_span", CODED),
        ("row_no", pa.int64()),
    ]
)
RUSTA_OCH_MATCHA = pa.schema(
    [
        ("fetch_id", TEXT),
        ("file_sha256", TEXT),
        ("period", TEXT),
        ("delivery_area", TEXT),
        ("provider_name", TEXT),
        ("ka_number", TEXT),
        ("contract_start", pa.date32()),
        ("is_active_22_months", pa.bool_()),
        ("rating", pa.int32()),
        ("rating_raw", TEXT),
        ("weighted_result", pa.float64()),
        ("is_rating_1_or_none", pa.bool_()),
        ("is_below_0_2", pa.bool_()),
        ("is_risk_of_termination", pa.bool_()),
        ("participants", pa.int32()),
        *[(f"participants_{level}", pa.int32()) for level in LEVELS],
        *[(f"rr1_{level}", pa.int32()) for level in LEVELS],
        *[(f"rr2_{level}", pa.int32()) for level in LEVELS],
        *[(f"weight_{level}", pa.float64()) for level in LEVELS],
        ("follow_up_from_months", pa.int32()),
        ("follow_up_to_months", pa.int32()),
        ("row_no", pa.int64()),
    ]
)
FILES = pa.schema(
    [
        ("fetch_id", TEXT),
        ("source", TEXT),
        ("mode", TEXT),
        ("fetched_at", TIME),
        ("retrieved_at", TIME),
        ("vintage", TEXT),
        ("dataset", TEXT),
        ("file_name", TEXT),
        ("period_last", TEXT),
        ("url", TEXT),
        ("file_sha256", TEXT),
        ("content_fetch_id", TEXT),
        ("outcome", TEXT),
        ("error", TEXT),
        ("is_stale", pa.bool_()),
        ("bytes", pa.int64()),
        ("denominator", TEXT),
        ("title", TEXT),
    ]
)
FINDINGS = pa.schema(
    [
        ("fetch_id", TEXT),
        ("fetched_at", TIME),
        ("kind", TEXT),
        ("severity", TEXT),
        ("kpi_id", TEXT),
        ("municipality_id", TEXT),
        ("year", pa.int32()),
        ("gender", TEXT),
        ("expected", TEXT),
        ("found", TEXT),
        ("detail", TEXT),
    ]
)
QUARANTINE = pa.schema(
    [
        ("fetch_id", TEXT),
        ("file_sha256", TEXT),
        ("dataset", TEXT),
        ("sheet_or_cache", TEXT),
        ("row_no", pa.int64()),
        ("column_name", TEXT),
        ("reason", TEXT),
        ("raw", TEXT),
    ]
)
TABLES: dict[str, Any] = {
    "jobseekers": JOBSEEKERS,
    "rusta_och_matcha": RUSTA_OCH_MATCHA,
    "files": FILES,
    "findings": FINDINGS,
    "quarantine": QUARANTINE,
}
