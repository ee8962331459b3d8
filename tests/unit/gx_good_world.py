"""A small world in which every check of the suites passes: landing tables and marts with a few rows.

What makes each of them fail: `gx_world.py`.
"""

# ruff: noqa: E501  (SQL reads better on one line)

from __future__ import annotations

import duckdb

from ame_warehouse.landing.schema import TABLES, ddl
from ame_warehouse.quality.results import Stage
from ame_warehouse.quality.suites import Check, stage_suites
from ame_warehouse.settings import Settings

MARTS = {
    "marts.participants": "municipality_id varchar, municipality varchar, year integer, gender varchar, "
    "participants double, missing_reason varchar, change_persons double, change_pct double, "
    "share_of_population_pct double, is_small_base boolean, population double",
    "marts.participant_profile": "municipality_id varchar, municipality varchar, year integer, "
    "composition_id varchar, category_id varchar, share_pct double, missing_reason varchar, "
    "composition_sum_pct double, composition_status varchar, comparison_share_pct double, "
    "value_year integer, fallback_reason varchar",
    "marts.referrals": "municipality_id varchar, municipality varchar, year integer, referral_source varchar, "
    "composition_id varchar, is_derived boolean, share_pct double, missing_reason varchar, "
    "composition_sum_pct double, composition_status varchar, share_class varchar, class_rule varchar, "
    "class_year integer",
    "marts.costs": "municipality_id varchar, municipality varchar, year integer, "
    "net_cost_sek_per_inhabitant double, gross_cost_sek_per_inhabitant double, participants double, "
    "net_cost_sek_per_participant double, missing_reason varchar, missing_inputs varchar, "
    "population double, is_preliminary boolean",
    "marts.context": "municipality_id varchar, municipality varchar, year integer, gender varchar, "
    "measure_id varchar, topic varchar, value double, missing_reason varchar",
    "marts.dim_measure": "measure_id varchar, unit varchar, kpi_id varchar",
    "marts.group_summary": "group_id varchar, group_name varchar, year integer, gender varchar, "
    "measure_id varchar, n_members integer, n_reporting integer, mean_unweighted double",
    "quality.statements": "statement_id varchar, report varchar, vintage_date date, statement varchar, "
    "said_in varchar, kind varchar, measure_id varchar, municipality_id varchar, municipality varchar, "
    "year integer, is_expected boolean, is_true_then boolean, is_true_now boolean, verdict varchar",
    "marts.observations": "source varchar, measure_id varchar, municipality_id varchar, period varchar, "
    "gender varchar, value double, missing_reason varchar, fetched_at timestamp, fetch_id varchar",
    "marts.observation_history": "source varchar, measure_id varchar, municipality_id varchar, "
    "period varchar, gender varchar, valid_from timestamp, valid_to timestamp, value double, "
    "missing_reason varchar, fetched_at timestamp, is_preliminary boolean",
    "marts.participant_changes": "municipality_id varchar, municipality varchar, gender varchar, "
    "base_year integer, year integer, base_participants double, participants double, change_persons double, "
    "change_pct double",
    "marts.group_contributions": "measure_id varchar, municipality_id varchar, year integer, "
    "is_break_crossed boolean",
    "marts.pair_comparison": "measure_id varchar, municipality_id_a varchar, year integer, "
    "is_break_crossed boolean",
    "marts.dim_series_break": "measure_id varchar, break_year integer, is_bridged boolean",
    "marts.dim_group": "group_id varchar, group_name varchar, kind varchar",
    "marts.group_members": "group_id varchar, municipality_id varchar",
    "quality.gaps": "measure_id varchar, municipality_id varchar, municipality varchar, year integer, "
    "missing_reason varchar, kind varchar, last_reported_year integer, first_seen_at timestamp",
    "quality.silent_municipalities": "measure_id varchar, municipality_id varchar, period varchar, year integer, "
    "measure varchar, municipality varchar, missing_reason varchar, shown_as varchar, last_reported_period varchar, "
    "last_value double, unit varchar, cause varchar, n_silent integer, n_reported_before integer, "
    "incident_scope varchar, first_seen_at timestamp",
    "quality.corrections": "measure_id varchar, municipality_id varchar, municipality varchar, year integer, "
    "gender varchar, state varchar, source_value double, corrected_value double, value_at_source double, "
    "corrected_by varchar, expires_on date, note varchar, fetched_at timestamp",
    "quality.quarantine": "quarantine_id varchar, source varchar, state varchar, is_releasable boolean, "
    "measure_id varchar, kpi_id varchar, municipality_id varchar, municipality varchar, year integer, gender varchar, "
    "place_in_source varchar, raw_value varchar, reason varchar, object_sha256 varchar, fetch_id varchar, "
    "first_seen_at timestamp, last_seen_at timestamp, released_value double, released_by varchar, "
    "released_at timestamp, note varchar",
    "quality.coverage": "measure_id varchar, year integer, n_expected integer, n_reported integer, "
    "missing_municipality_ids varchar",
}
ROWS = """
insert into landing_measures
select
    'f' || n, 'kolada', 'sample', timestamp '2024-01-01' + to_days(n), timestamp '2024-01-01' + to_days(n),
    '2024-01-01', kpi, 'complete', null, 100, 90, 'sha', 'f' || n, ['1440', '1480'], null
from range(1, 3) as fetches (n), (values ('U40800'), ('N40011')) as kpis (kpi);
insert into landing_measures
values ('f2', 'kolada', 'sample', timestamp '2024-01-03', timestamp '2024-01-03', '2024-01-03', 'U40813',
        'retired', null, 0, 0, null, null, ['1440', '1480'], null);
insert into landing_observations
select 'f' || n, kpi, place, 2021 + y, gender, 100 + n, '', false, 1, null, null, 'sha'
from range(1, 3) as fetches (n), range(0, 2) as years (y), (values ('1440'), ('1480')) as places (place),
    (values ('U40800', 'T'), ('U40800', 'K'), ('U40800', 'M'), ('N40011', 'T')) as kpis (kpi, gender);
update landing_observations set value = null, status = 'Missing' where municipality_id = '1440' and year = 2022;
insert into landing_findings
values ('f2', timestamp '2024-01-03', 'unknown_id', 'error', 'U40813', null, null, null, 'in', 'out', 'gone');
insert into landing_findings
values ('f1', timestamp '2024-01-02', 'catalogue_drift', 'warning', 'U40800', null, null, null, 'a', 'b', 'old');

insert into marts.participants
select place, 'Name ' || place, year, gender, case gender when 'T' then 300 else 150 end, null, 0, 0, 2.5, false,
    case gender when 'T' then 12000 else 6000 end
from (values ('1440'), ('1480')) as places (place), range(2020, 2023) as years (year),
    (values ('T'), ('K'), ('M')) as genders (gender);
update marts.participants
set participants = null, missing_reason = 'not_reported', share_of_population_pct = null, change_pct = null,
    change_persons = null
where municipality_id = '1440' and year = 2022;
insert into marts.participants values ('1481', 'Small', 2022, 'T', 12, null, 9, 300, 1, true, 1200);

insert into marts.participant_profile
select place, 'Name ' || place, year, 'education_4', category, share + shift * sign, null, 100, 'complete', share, year,
    null
from (values ('1440', 0), ('1480', 10)) as places (place, shift), range(2021, 2023) as years (year),
    (values ('post_secondary', 40, 1), ('upper_secondary', 30, -1), ('compulsory', 20, 1), ('unknown', 10, -1))
        as categories (category, share, sign);
insert into marts.participant_profile
values ('1481', 'Small', 2022, 'education_4', 'unknown', null, 'not_reported', null, 'missing', 10, 2021, 'missing');

insert into marts.referrals
select place, 'Name ' || place, 2022, ref_source, 'referrals', ref_source = 'af_total', share + shift, null,
    100, 'complete', 'low', 'own_value', 2022
from (values ('1440', 0), ('1480', 0)) as places (place, shift),
    (values ('af', 60), ('other', 40), ('af_total', 60)) as sources (ref_source, share);
insert into marts.referrals
values ('1481', 'Small', 2022, 'af', 'referrals', false, null, 'not_reported', null, 'incomplete', 'high', 'next_year',
        2023);

insert into marts.costs
select place, 'Name ' || place, year, 500, 700, 300, 60000, null, null, 36000, false
from (values ('1440'), ('1480')) as places (place), range(2020, 2023) as years (year);
insert into marts.costs values ('1481', 'Small', 2022, null, null, 0, null, 'not_applicable', null, 900, false);

insert into marts.context values ('1440', 'Ale', 2022, 'T', 'sorting_key', 'sorting_key', 3, null);
insert into marts.context values ('1480', 'Göteborg', 2022, 'T', 'sorting_key', 'sorting_key', null, 'not_reported');
insert into marts.context values ('1480', 'Göteborg', 2022, 'T', 'population_total', 'population', 600000, null);

insert into marts.dim_measure values ('share', 'percent', 'U40800'), ('yes_no', 'boolean', 'U40001'),
    ('persons', 'persons', 'U40806'), ('cost', 'sek', 'N40011');
insert into marts.observations
select 'kolada', measure, place, '2022', 'T', value, null, timestamp '2024-01-03', 'f2'
from (values ('1440'), ('1480')) as places (place),
    (values ('share', 40), ('yes_no', 1), ('persons', 30), ('cost', -5)) as measures (measure, value);
insert into marts.observations values ('kolada', 'share', '1481', '2022', 'T', null, 'withdrawn', timestamp '2024-01-03', 'f2');

insert into landing_kpi_metadata (fetch_id, fetched_at, kpi_id, title, description)
select 'f' || n, timestamp '2024-01-01' + to_days(n), kpi, 'Title of ' || kpi, 'What it is.  Källa: x.'
from range(1, 3) as fetches (n), (values ('U40800'), ('N40011')) as kpis (kpi);

insert into marts.participant_changes
values ('1480', 'Name 1480', 'T', 2020, 2022, 200, 300, 100, 50), ('1481', 'Small', 'T', 2020, 2022, null, 12, null, null);
insert into marts.dim_series_break values ('share', 2021, false), ('persons', 2021, true);
insert into marts.group_contributions values ('share', '1480', 2021, true), ('persons', '1480', 2021, false);
insert into marts.pair_comparison values ('share', '1480', 2021, true), ('share', '1480', 2022, false);
insert into marts.observation_history
select 'kolada', measure, place, '2022', 'T', timestamp '2024-01-02', null, value, null, timestamp '2024-01-02', false
from (values ('1440'), ('1480')) as places (place), (values ('share', 40), ('persons', 300)) as measures (measure, value);
insert into marts.observations
select 'kolada', 'persons', 'x' || n, '2021', 'T', 30, null, timestamp '2024-01-03', 'f2' from range(18) as places (n);
insert into marts.dim_group values ('GR', 'Göteborgsregionen', 'region');
insert into marts.costs
select 'm' || n, 'Member ' || n, 2019, 400 + 10 * n, 900, 300, null, null, null, 36000, false from range(6) as members (n);
update marts.costs
set net_cost_sek_per_participant = net_cost_sek_per_inhabitant * population / participants
where municipality_id like 'm%';
insert into marts.group_members select 'GR', 'm' || n from range(6) as members (n);

insert into quality.corrections
values ('share', '1481', 'Small', 2022, 'T', 'applied', 400, 40, 400, 'data_steward', date '2030-01-01', 'a digit too many',
        timestamp '2024-01-01');
insert into marts.group_summary values ('G96190', 'Göteborgsregionen', 2022, 'T', 'share', 13, 13, 33.333333),
    ('G96190', 'Göteborgsregionen', 2021, 'T', 'share', 13, 12, 30);
insert into landing_group_values
select 'f2', timestamp '2024-01-03', 'U40800', 'G96190', year, 'T', 33.3333333, 13 from (values (2021), (2022)) as y (year);
insert into quality.statements
values ('a', 'gr_2024', date '2024-01-31', 'Det är så.', 'Tabell 4', 'not_reported', 'share', '1440', 'Ale', 2017,
    true, true, true, 'same');

insert into quality.quarantine
values ('Q-1', 'kolada', 'superseded', true, 'share', 'U40800', '1440', 'Ale', 2021, 'T', 'KPI U40800', '"12 st"', 'x', null,
        'f1', timestamp '2024-01-02', timestamp '2024-01-02', null, null, null, null);
insert into quality.coverage
select 'share', year, 40, 39, '1481' from range(2020, 2023) as years (year);
insert into quality.gaps
select 'share', '1481', 'Small', year, 'not_reported', 'chronic', null, timestamp '2024-01-01'
from range(2020, 2023) as years (year);
"""


def checks(settings: Settings) -> list[Check]:
    """Return every check of the suites, by stage and suite."""
    stages: tuple[Stage, ...] = ("landing", "marts")
    suites = [suite for stage in stages for suite in stage_suites(settings, stage)]
    return [check for suite in suites for check in suite.checks.values()]


def world(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Return a connection on which the queries of all suites can be run."""
    con = duckdb.connect()
    for table in TABLES:
        con.execute(f"create table landing_{table} ({ddl(table)})")
    con.execute("create schema marts; create schema quality")
    for table, columns in MARTS.items():
        con.execute(f"create table {table} ({columns})")
    con.execute("set variable seeds = $seeds", {"seeds": str(settings.seeds)})
    con.execute("set variable mode = 'sample'")
    con.execute(ROWS)
    return con
