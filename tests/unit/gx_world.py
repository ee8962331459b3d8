"""What makes each check of the suites fail, as SQL on the world in which all pass (`gx_good_world.py`)."""

# ruff: noqa: E501  (SQL reads better on one line)

from __future__ import annotations

REVISED = """
insert into marts.observation_history
select 'kolada', '{measure}', '{place}', '2022', 'T', timestamp '2024-01-02', timestamp '2024-01-03', 30, null,
    timestamp '2024-01-02', false
where not exists (
    from marts.observation_history where measure_id = '{measure}' and municipality_id = '{place}'
);
insert into marts.observation_history
values ('kolada', '{measure}', '{place}', '2022', 'T', timestamp '2024-01-03', null, {value}, null,
    timestamp '2024-01-03', false)
"""
MANY = """
insert into landing_observations
select 'f' || n, 'N40011', 'm' || place, 2021, 'T', 100 + place, '', false, 1, null, null, 'sha'
from range(1, 3) as fetches (n), range(20) as places (place)
"""
# What makes a check fail: SQL on the world above, and the other checks that must fail with it.
# A value in `also` is not a weakness: the same bad row breaks two rules.
BAD: dict[str, tuple[str, set[str]]] = {
    "landing_columns": ("alter table landing_observations alter column value type varchar", set()),
    "landing_key_complete": (
        "update landing_observations set municipality_id = null where fetch_id = 'f2' and kpi_id = 'N40011' "
        "and year = 2021 and municipality_id = '1440'",
        set(),
    ),
    "landing_key_unique": (
        "insert into landing_observations from landing_observations where fetch_id = 'f2' and kpi_id = 'N40011' "
        "and year = 2021 and municipality_id = '1440'",
        set(),
    ),
    "landing_gender_known": ("update landing_observations set gender = 'X' where gender = 'M'", set()),
    "landing_first_year": ("update landing_observations set year = 22 where year = 2022", set()),
    "landing_last_year": ("update landing_observations set year = 20222 where year = 2022", set()),
    "landing_status_known": ("update landing_observations set status = 'Nytt' where value is null", set()),
    "quarantine_empty": ("update quality.quarantine set state = 'held'", set()),
    "landing_measure_named": (
        "update landing_measures set kpi_id = 'U99999' where kpi_id = 'N40011'",
        set(),
    ),
    "landing_measure_fetched": (
        "update landing_measures set outcome = 'failed', error = 'HTTP 500' where fetch_id = 'f2' "
        "and kpi_id = 'N40011'",
        set(),
    ),
    "landing_measure_volume": (
        "update landing_measures set n_records = 80 where fetch_id = 'f2' and kpi_id = 'N40011'",
        set(),
    ),
    "landing_not_empty": ("delete from landing_observations", set()),
    "landing_some_measure_fetched": (
        "update landing_measures set outcome = 'failed' where fetch_id = 'f2'",
        set(),
    ),
    "landing_total_volume": ("update landing_measures set n_records = 20 where fetch_id = 'f2'", set()),
    "landing_catalogue_unchanged": ("update landing_findings set kind = 'catalogue_drift'", set()),
    "landing_places_unchanged": (
        "update landing_findings set kind = 'place_drift', kpi_id = null where fetch_id = 'f2'",
        set(),
    ),
    "landing_records_regular": ("update landing_findings set kind = 'duplicate_record'", set()),
    "landing_no_extra_fields": ("update landing_findings set kind = 'extra_field'", set()),
    "landing_title_unchanged": (
        "update landing_kpi_metadata set title = 'Another' where fetch_id = 'f2' and kpi_id = 'N40011'",
        set(),
    ),
    "landing_definition_unchanged": (
        "update landing_kpi_metadata set description = 'What it is now.' where fetch_id = 'f2' and kpi_id = 'U40800'",
        set(),
    ),
    "landing_kpi_still_listed": (
        "delete from landing_kpi_metadata where fetch_id = 'f2' and kpi_id = 'N40011'",
        set(),
    ),
    "landing_municipality_present": (
        "delete from landing_observations where fetch_id = 'f2' and municipality_id = '1480'",
        set(),
    ),
    "landing_unit_unchanged": (
        f"{MANY}; update landing_observations set value = value * 1000 where fetch_id = 'f2' and kpi_id = 'N40011'",
        set(),
    ),
    "landing_decimals_unchanged": (
        f"{MANY}; update landing_observations set value = value + 0.25 where fetch_id = 'f2' and kpi_id = 'N40011'",
        set(),
    ),
    "participants_key_complete": (
        "update marts.participants set municipality_id = null where municipality_id = '1481'",
        set(),
    ),
    "participants_key_unique": (
        "insert into marts.participants from marts.participants where municipality_id = '1481'",
        set(),
    ),
    "participants_gender_known": (
        "update marts.participants set gender = 'A' where municipality_id = '1481'",
        set(),
    ),
    "participants_reason_known": (
        "update marts.participants set missing_reason = 'i.u.' where missing_reason is not null",
        set(),
    ),
    "participants_value_or_reason": (
        "update marts.participants set missing_reason = 'not_reported' where municipality_id = '1481'",
        set(),
    ),
    "participants_not_negative": (
        "update marts.participants set participants = -1 where municipality_id = '1481'",
        set(),
    ),
    "participants_plausible": (
        "update marts.participants set participants = 33000 where municipality_id = '1481'",
        set(),
    ),
    "participants_sexes_add_up": (
        "update marts.participants set participants = 301 where municipality_id = '1480' and gender = 'T' "
        "and year = 2022",
        set(),
    ),
    "participants_share_of_population": (
        "update marts.participants set share_of_population_pct = 101 where municipality_id = '1481'",
        set(),
    ),
    "participants_swing": (
        "update marts.participants set change_pct = 151 where municipality_id = '1480' and year = 2022",
        set(),
    ),
    "participant_profile_key_complete": (
        "update marts.participant_profile set category_id = null where municipality_id = '1481'",
        set(),
    ),
    "participant_profile_key_unique": (
        "insert into marts.participant_profile from marts.participant_profile where municipality_id = '1481'",
        set(),
    ),
    "participant_profile_reason_known": (
        "update marts.participant_profile set missing_reason = '-' where municipality_id = '1481'",
        set(),
    ),
    "participant_profile_value_or_reason": (
        "update marts.participant_profile set missing_reason = null where municipality_id = '1481'",
        set(),
    ),
    "participant_profile_share_range": (
        "update marts.participant_profile set share_pct = 100.5 where category_id = 'compulsory' and year = 2021",
        set(),
    ),
    "participant_profile_share_unit": (
        "update marts.participant_profile set share_pct = share_pct * 100",
        {"participant_profile_share_range", "participant_profile_unknown_share"},
    ),
    "participant_profile_fallback_known": (
        "update marts.participant_profile set fallback_reason = 'other' where municipality_id = '1481'",
        set(),
    ),
    "participant_profile_comparison_whole": (
        "update marts.participant_profile set value_year = null where municipality_id = '1481'",
        set(),
    ),
    "participant_profile_unknown_share": (
        "update marts.participant_profile set share_pct = 51 where category_id = 'unknown' and share_pct is not null",
        set(),
    ),
    "referrals_key_complete": (
        "update marts.referrals set year = null where municipality_id = '1481'",
        set(),
    ),
    "referrals_key_unique": (
        "insert into marts.referrals from marts.referrals where municipality_id = '1481'",
        set(),
    ),
    "referrals_source_known": (
        "update marts.referrals set referral_source = 'church' where municipality_id = '1481'",
        set(),
    ),
    "referrals_reason_known": (
        "update marts.referrals set missing_reason = 'x' where municipality_id = '1481'",
        set(),
    ),
    "referrals_value_or_reason": (
        "update marts.referrals set missing_reason = null where municipality_id = '1481'",
        set(),
    ),
    "referrals_share_range": (
        "update marts.referrals set share_pct = -1 where municipality_id = '1480' and referral_source = 'af'",
        set(),
    ),
    "referrals_share_unit": (
        "update marts.referrals set share_pct = share_pct * 100",
        {"referrals_share_range"},
    ),
    "referrals_class_known": ("update marts.referrals set share_class = 'huge'", set()),
    "referrals_class_rule_known": ("update marts.referrals set class_rule = 'guess'", set()),
    "compositions_status_known": (
        "update marts.referrals set composition_status = 'half' where municipality_id = '1481'",
        set(),
    ),
    "compositions_sum_agrees": ("update marts.referrals set composition_sum_pct = 99", set()),
    "compositions_sum_100": (
        "update marts.participant_profile set composition_status = 'sum_not_100', composition_sum_pct = 108, "
        "share_pct = share_pct + case category_id when 'unknown' then 8 else 0 end where municipality_id = '1480'",
        set(),
    ),
    "near_identical_rows": (
        "update marts.participant_profile set share_pct = share_pct + case category_id "
        "when 'post_secondary' then -10 when 'upper_secondary' then 10 when 'compulsory' then -10 else 10 end "
        "where municipality_id = '1480'",
        set(),
    ),
    "costs_key_complete": ("update marts.costs set year = null where municipality_id = '1481'", set()),
    "costs_key_unique": ("insert into marts.costs from marts.costs where municipality_id = '1481'", set()),
    "costs_reason_known": (
        "update marts.costs set missing_reason = 'unknown' where municipality_id = '1481'",
        set(),
    ),
    "costs_value_or_reason": (
        "update marts.costs set missing_reason = null where municipality_id = '1481'",
        set(),
    ),
    "costs_net_cost_plausible": (
        "update marts.costs set net_cost_sek_per_inhabitant = 10001 where municipality_id = '1480'",
        set(),
    ),
    "costs_gross_cost_not_negative": (
        "update marts.costs set gross_cost_sek_per_inhabitant = -1 where municipality_id = '1480'",
        set(),
    ),
    "costs_per_participant_plausible": (
        "update marts.costs set net_cost_sek_per_participant = 3e6 where municipality_id = '1480'",
        set(),
    ),
    "costs_swing": (
        "update marts.costs set net_cost_sek_per_inhabitant = 2100 where municipality_id = '1480' and year = 2022",
        set(),
    ),
    "sorting_key_range": ("update marts.context set value = 9 where municipality_id = '1440'", set()),
    "observations_key_unique": (
        "insert into marts.observations from marts.observations where measure_id = 'cost'",
        set(),
    ),
    "observations_value_or_reason": (
        "update marts.observations set missing_reason = null where municipality_id = '1481'",
        set(),
    ),
    "observations_reason_known": (
        "update marts.observations set missing_reason = 'i.u.' where municipality_id = '1481'",
        set(),
    ),
    "observations_share_range": (
        "update marts.observations set value = 101 where measure_id = 'share' and value is not null",
        set(),
    ),
    "observations_yes_no": ("update marts.observations set value = 2 where measure_id = 'yes_no'", set()),
    "observations_count_not_negative": (
        "update marts.observations set value = -2 where measure_id = 'persons'",
        set(),
    ),
    "observations_retrieval_date": (
        "update marts.observations set fetched_at = null where measure_id = 'cost'",
        set(),
    ),
    "derived_changes_recompute": (
        "update marts.participant_changes set change_persons = 99 where municipality_id = '1480'",
        set(),
    ),
    "derived_shares_recompute": (
        "update marts.participants set share_of_population_pct = 2.6 where municipality_id = '1480' and gender = 'T'",
        set(),
    ),
    "derived_costs_recompute": (
        "update marts.costs set net_cost_sek_per_participant = 60001 where municipality_id = '1480' and year = 2021",
        set(),
    ),
    "breaks_flagged": ("update marts.pair_comparison set is_break_crossed = false", set()),
    "revisions_listed": (
        f"{REVISED.format(measure='persons', place='1480', value=301)}",
        set(),
    ),
    "revisions_many": (
        ";".join(REVISED.format(measure="persons", place=f"x{n}", value=31) for n in range(8)),
        {"revisions_listed"},
    ),
    "revisions_large": (
        REVISED.format(measure="persons", place="1480", value=451),
        {"revisions_listed"},
    ),
    "revisions_large_share": (
        REVISED.format(measure="share", place="1480", value=61),
        {"revisions_listed"},
    ),
    "costs_outlier_in_group": (
        "update marts.costs set net_cost_sek_per_inhabitant = 2400 where municipality_id = 'm3'",
        set(),
    ),
    "statements_hold": (
        "update quality.statements set verdict = 'not_as_printed', is_true_then = false",
        set(),
    ),
    "statements_changed_since": (
        "update quality.statements set verdict = 'changed_since', is_true_now = false",
        set(),
    ),
    "group_means_agree": ("update landing_group_values set value = 33.34", set()),
    "gaps_reason_known": ("update quality.gaps set missing_reason = 'i.u.'", set()),
    "gaps_kind_known": ("update quality.gaps set kind = 'old' where year = 2020", set()),
    "gaps_not_loaded": ("update quality.gaps set missing_reason = 'not_loaded' where year = 2020", set()),
    "gaps_new": (
        "insert into quality.silent_municipalities values ('share', '1481', '2022', 2022, 'Andel', 'Small', "
        "'not_reported', 'i.u.', '2021', 40, 'percent', 'municipality', 1, 40, 'Small (1481)', "
        "timestamp '2024-01-01')",
        set(),
    ),
    "corrections_still_needed": (
        "update quality.corrections set state = 'mended', value_at_source = 40",
        set(),
    ),
    "corrections_in_force": ("update quality.corrections set state = 'expired'", set()),
    "coverage_counts": (
        "update quality.coverage set n_reported = 41, missing_municipality_ids = '' where year = 2020",
        {"coverage_missing_named"},
    ),
    "coverage_missing_named": (
        "update quality.coverage set missing_municipality_ids = '' where year = 2020",
        set(),
    ),
    "coverage_drop": (
        "update quality.coverage set n_reported = 20, missing_municipality_ids = (select string_agg(i, ',') "
        "from range(20) as ids (i)) where year = 2022",
        set(),
    ),
}

# A check with two limits, or with a share of rows that must hold, has bad data for the other side too.
OTHER_SIDE: dict[str, str] = {
    "compositions_sum_agrees": "update marts.referrals set composition_sum_pct = 101",
    "costs_outlier_in_group": "update marts.costs set net_cost_sek_per_inhabitant = 80 where municipality_id = 'm3'",
    "costs_net_cost_plausible": "update marts.costs set net_cost_sek_per_inhabitant = -501 where municipality_id = '1480'",
    "costs_per_participant_plausible": (
        "update marts.costs set net_cost_sek_per_participant = -100001 where municipality_id = '1480'"
    ),
    "costs_swing": (
        "update marts.costs set net_cost_sek_per_inhabitant = -1100 where municipality_id = '1480' and year = 2022"
    ),
    "coverage_missing_named": "update quality.coverage set missing_municipality_ids = '1481,1482' where year = 2020",
    "landing_unit_unchanged": (
        f"{MANY}; update landing_observations set value = value / 1000 where fetch_id = 'f2' and kpi_id = 'N40011'"
    ),
    "participant_profile_share_range": (
        "update marts.participant_profile set share_pct = -1 where category_id = 'compulsory' and year = 2021"
    ),
    "participant_profile_share_unit": "update marts.participant_profile set share_pct = -share_pct",
    "participants_sexes_add_up": (
        "update marts.participants set participants = 299 where municipality_id = '1480' and gender = 'T' and year = 2022"
    ),
    "participants_share_of_population": (
        "update marts.participants set share_of_population_pct = -1 where municipality_id = '1481'"
    ),
    "participants_swing": (
        "update marts.participants set change_pct = -61 where municipality_id = '1480' and year = 2022"
    ),
    "referrals_share_range": (
        "update marts.referrals set share_pct = 101 where municipality_id = '1480' and referral_source = 'af'"
    ),
    "referrals_share_unit": "update marts.referrals set share_pct = -share_pct",
}

# What a check must let pass: single shares above 100 are slips of a municipality, not another unit.
STILL_GOOD: dict[str, str] = {
    "participant_profile_share_unit": BAD["participant_profile_share_range"][0],
    "referrals_share_unit": BAD["referrals_share_range"][0],
}
