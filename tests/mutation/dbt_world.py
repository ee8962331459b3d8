"""Bad data for dbt's data tests: what makes each of them fail, on a copy of the tables without rows.

A generic test (not_null, unique …) says itself what breaks it; for a rule (`holds`) a row stands here. In a
bad row, columns that are not named are null.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

STRANGER = "no such word"
Row = dict[str, Any]

CORRECTION = {
    "source_value": 1080,
    "corrected_value": 108,
    "correction_source": "the municipality",
    "corrected_by": "data_steward",
    "corrected_on": "2024-01-01",
    "expires_on": "2024-02-01",
    "gender": "T",
    "note": "a digit too many",
}
SUPPRESSED = {"missing_reason": "suppressed", "value": None, "lower_bound": None}
# rule → a row that breaks it (several rows where each side of the rule has its own)
RULES: dict[str, list[Row]] = {
    "acknowledged_gaps_dates": [
        {"acknowledged_on": "2024-02-01", "expires_on": "2024-01-01", "year_from": 2020},
        {"acknowledged_on": "2024-01-01", "expires_on": "2024-02-01", "year_from": 2020, "year_to": 2019},
    ],
    "source_corrections_complete": [
        {**CORRECTION, "expires_on": "2023-12-31"},
        {**CORRECTION, "corrected_value": 1080},
        {**CORRECTION, "correction_source": ""},
        {**CORRECTION, "corrected_by": ""},
        {**CORRECTION, "note": ""},
        {**CORRECTION, "gender": "A"},
    ],
    "gaps_monthly_rule_1": [{"missing_reason": None}],
    "coverage_monthly_rule_1": [{"n_reported": 3, "n_expected": 2}],
    "cross_source_agrees": [
        {"is_checked": True, "is_outside_band": True, "is_correlation_low": False},
        {"is_checked": True, "is_outside_band": False, "is_correlation_low": True},
    ],
    "af_files_agrees": [{"is_stale": True}],
    "af_unknown_names_agrees": [{}],
    "af_sum_differences_agrees": [{}],
    "int_af__parts_not_contradicted": [{"is_contradicted": True}],
    "int_af__records_masked_have_bounds": [
        {**SUPPRESSED},
        {**SUPPRESSED, "value": 3, "lower_bound": 1},
        {**SUPPRESSED, "lower_bound": -1},
        {**SUPPRESSED, "lower_bound": 4, "upper_bound": 1},
    ],
    "int_af__versions_follow_each_other": [{"valid_from": "2024-01-02", "valid_to": "2024-01-01"}],
    "printed_figures_rule_1": [
        {"measure_id": "x"},
        {"measure_id": "x", "warehouse_value": 1, "warehouse_missing_reason": "not_reported"},
    ],
    "jobseekers_yearly_rule_1": [{"mean_value": 1, "n_months": 11}],
    "jobseekers_yearly_rule_2": [
        {"unit": "percent", "mean_value": 1, "age_span": "16-64"},
        {"unit": "percent", "mean_value": 1, "denominator_basis": "BAS"},
    ],
    "referral_context_rule_1": [{"source": "arbetsformedlingen", "unit": "percent", "value": 1}],
    "group_summary_rule_1": [
        {"n_reporting": 3, "n_members": 2, "panel_n": 0, "n_weighted": 0},
        {"n_reporting": 1, "n_members": 2, "panel_n": 2, "n_weighted": 0},
        {"n_reporting": 1, "n_members": 2, "panel_n": 0, "n_weighted": 2},
    ],
    "group_summary_rule_2": [
        {"n_reporting": 2, "n_members": 2, "missing_municipality_ids": "1440"},
        {"n_reporting": 1, "n_members": 2, "missing_municipality_ids": ""},
    ],
    "group_summary_rule_3": [
        {"n_reporting": 0, "min_value": 1, "max_value": 1},
        {"n_reporting": 1, "min_value": 1, "max_value": None},
    ],
    "group_summary_rule_4": [
        {"min_value": 1, "max_value": 2, "mean_unweighted": 3},
        {"min_value": 1, "max_value": 2, "mean_unweighted": 0},
    ],
    "group_summary_rule_5": [
        {"unit": "ordinal", "mean_unweighted": 3},
        {"unit": "boolean", "mean_weighted": 0.5},
        {"unit": "ordinal", "mean_constant_panel": 3},
    ],
    "group_summary_rule_6": [
        {"unit": "percent", "n_reporting": 1, "sum_reported": 100},
        {"unit": "persons", "n_reporting": 1, "sum_reported": None},
    ],
    "group_likeness_rule_1": [
        {"n_differences": 0, "n_possible": 3},
        {"n_differences": 4, "n_possible": 3},
    ],
    "group_contributions_rule_1": [{"contribution": 2, "change": 10, "panel_n": 4}],
    "referrals_rule_1": [{"share_class": "low"}, {"share_class": "low", "class_rule": "own_value"}],
    "referrals_rule_2": [
        {"class_rule": "own_value", "share_pct": None, "class_year": 2022, "year": 2022},
        {"class_rule": "own_value", "share_pct": 10, "class_year": 2021, "year": 2022},
    ],
    "referrals_rule_3": [
        {"class_rule": "next_year", "share_pct": 10, "class_year": 2023, "year": 2022},
        {"class_rule": "next_year", "share_pct": None, "class_year": 2021, "year": 2022},
    ],
    "referrals_rule_4": [
        {"class_rule": "previous_year", "share_pct": 10, "class_year": 2021, "year": 2022},
        {"class_rule": "previous_year", "share_pct": None, "class_year": 2023, "year": 2022},
    ],
    "referrals_share_within_0_100": [{"share_pct": -1}, {"share_pct": 102}],
    "costs_per_participant_recomputes": [
        {
            "net_cost_sek_per_participant": 100,
            "participants": 300,
            "net_cost_sek_per_inhabitant": 500,
            "population": 36000,
            "net_cost_sek": 18000000,
        }
    ],
    "rusta_och_matcha_rule_1": [
        {"participants": 10, "participants_a": 3, "participants_b": 3, "participants_c": 3}
    ],
    "rusta_och_matcha_rule_2": [{"rating": 0}, {"rating": 5}],
    "rusta_och_matcha_rule_3": [{"weighted_result": -0.1}],
    "rusta_och_matcha_agrees": [
        {"weighted_result_difference": 0.006},
        {"weighted_result_difference": -0.006},
    ],
    "jobseekers_monthly_rule_1": [{"value": -1}],
    "jobseekers_monthly_rule_2": [
        {"unit": "percent", "age_span": "16-64"},
        {"unit": "percent", "denominator_basis": "BAS"},
    ],
    "jobseekers_monthly_rule_3": [{"unit": "percent", "value": 101}],
    "jobseekers_monthly_rule_4": [
        {"missing_reason": "suppressed"},
        {"missing_reason": "suppressed", "lower_bound": 4, "upper_bound": 1},
    ],
    "jobseekers_monthly_rule_5": [
        {"denominator_basis": "BAS", "dataset": "andel_av_reg"},
        {"denominator_basis": "RAMS", "dataset": "andel_av_bas"},
    ],
    "jobseekers_totals_rule_1": [{"lower_bound": 5, "upper_bound": 1}],
    "jobseekers_totals_rule_2": [{"contains_suppressed": False, "n_suppressed": 1}],
    "against_riket_rule_1": [{"difference": 1, "difference_pp": 1}],
    "against_riket_rule_2": [
        {"unit": "percent", "value": 1, "difference_pp": None},
        {"unit": "percent", "value": None, "difference_pp": 1},
    ],
    "participant_profile_rule_1": [{"composition_sum_pct": 90, "composition_status": "incomplete"}],
    "participant_profile_rule_2": [{"value_year": 2022, "comparison_share_pct": None, "year": 2022}],
    "participant_profile_rule_3": [{"fallback_reason": "missing", "value_year": 2022, "year": 2022}],
    "participant_profile_rule_4": [
        {
            "composition_status": "complete",
            "value_year": 2021,
            "year": 2022,
            "comparison_share_pct": 1,
            "share_pct": 1,
        },
        {
            "composition_status": "complete",
            "value_year": 2022,
            "year": 2022,
            "comparison_share_pct": 2,
            "share_pct": 1,
        },
    ],
    "participant_profile_share_within_0_100": [{"share_pct": -1}, {"share_pct": 101}],
    "referral_trends_rule_1": [
        {"largest_fall_pp": -1},
        {"largest_fall_year": 2020},
        {"n_years": 1, "change_pp": 0},
        {"n_years": 1, "span_pp": 0},
        {"n_years": 2, "change_pp": 1},
        {"n_years": 2, "span_pp": 1},
    ],
    "share_classes_have_ordered_bounds": [{"lower_pct": 50, "upper_pct": 15}],
}
for _rule in ("rule_1", "rule_2", "rule_3"):
    RULES[f"rusta_och_matcha_history_{_rule}"] = RULES[f"rusta_och_matcha_{_rule}"]


def bad_rows(test: dict[str, Any], columns: dict[str, str]) -> list[list[Row]]:
    """Return sets of rows, each of which must make the test (a node of dbt's manifest) fail.

    `columns` are the columns of its table with their types. Raises `KeyError` for a rule without a row here.
    """
    meta, column = test["test_metadata"], test["column_name"]
    kwargs = meta["kwargs"]
    match meta["name"]:
        case "not_null":
            return [[{}]]
        case "unique":
            return [[{column: _some(columns[column], 1)}, {column: _some(columns[column], 1)}]]
        case "accepted_values" | "relationships":
            return [[{column: _some(columns[column], STRANGER)}]]
        case "unique_combination":
            keys = {name: _some(columns[name], 1) for name in kwargs["columns"] if name in columns}
            lacking = [[{**keys, name: None}] for name in keys]
            return [[keys, keys], *lacking]
        case "value_or_reason":
            value, reason = kwargs["value"], kwargs["reason"]
            both = {name: _some(columns[name], 1) for name in (value, reason) if name in columns}
            return [[{}], [both]] if len(both) == 2 else [[{}]]
        case "holds":
            return [[row] for row in RULES[test["name"]]]
    raise KeyError(f"{meta['name']}: say in {__name__} what breaks a test of this kind")


def _some(kind: str, value: Any) -> Any:
    """Return a value of a column's type: a stranger among its values."""
    if kind.startswith(("DATE", "TIMESTAMP")):
        return "1900-01-01"
    if kind in ("INTEGER", "BIGINT", "DOUBLE", "SMALLINT", "HUGEINT"):
        return -98765
    return True if kind == "BOOLEAN" else str(value)


@contextmanager
def filled(con: duckdb.DuckDBPyConnection, relation: str, rows: list[Row]) -> Iterator[None]:
    """Put rows into a table, and take them out again."""
    con.execute("begin")
    try:
        for row in rows:
            if row:
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" * len(row))
                con.execute(f"insert into {relation} ({names}) values ({marks})", list(row.values()))
            else:
                con.execute(f"insert into {relation} default values")
        yield
    finally:
        con.execute("rollback")


def empty_tables(con: duckdb.DuckDBPyConnection, candidate: str, name: str) -> None:
    """Attach an in-memory database `name` with every table and view of the candidate, without rows."""
    con.execute(f"attach ':memory:' as \"{name}\"; attach '{candidate}' as built (read_only)")
    found = con.execute(
        "select schema_name, table_name as relation from duckdb_tables() where database_name = 'built' "
        "union select schema_name, view_name from duckdb_views() "
        "where database_name = 'built' and not internal"
    ).fetchall()
    for schema, relation in found:
        columns = con.execute(
            "select column_name, data_type from duckdb_columns() "
            "where database_name = 'built' and schema_name = ? and table_name = ? order by column_index",
            [schema, relation],
        ).fetchall()
        con.execute(f'create schema if not exists "{name}"."{schema}"')
        body = ", ".join(f'"{column}" {kind}' for column, kind in columns)
        con.execute(f'create table "{name}"."{schema}"."{relation}" ({body})')
    con.execute("detach built")
