"""Publication to PostgreSQL: values, types, keys, comments, roles, old versions, reconciliation."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import duckdb
import psycopg
import pytest
from tests.serve.postgres_server import ROWS, World, build, version_name

from ame_warehouse.errors import PublishError
from ame_warehouse.serve import load, postgres, reconcile
from ame_warehouse.serve.names import fit, schema_of
from ame_warehouse.serve.views import Patience

TYPES = """
create table marts.types as select * from (values
    (1, true, 7::tinyint, 300::smallint, -5::integer, 9007199254740993::bigint,
     17014118346046923173168730371588410572::hugeint, 1.5::float, 0.1::double + 0.2,
     12345.678::decimal(12, 3),
     'åäö "citat", semi;kolon' || chr(10) || chr(13) || chr(9) || '\\N \\. ''x''', date '1969-12-31',
     timestamp '2024-02-29 23:59:59.123456', timestamptz '2024-07-01 12:00:00+02', time '10:11:12.5',
     ['a', null, 'b,"c"'], [1, null], '\\xAA\\x00'::blob, {'k': [1, 2]}, 'x'::enum_of_two,
     '{"a": 1}'::json, interval '1 month 2 days', '7b1f0e3a-0000-4000-8000-000000000001'::uuid, [[1], [2]]),
    (2, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
     null, null, null, null, null, null),
    (3, false, -1, 0, 0, 0, 0, 'nan'::float, '-infinity'::double, 0, '', date '2024-01-01',
     timestamp '1970-01-01', timestamptz '1970-01-01 00:00:00+00', time '00:00:00', [], [], ''::blob,
     {'k': []},
     'y', 'null', interval '0', '7b1f0e3a-0000-4000-8000-000000000002', [])
) as t (id, flag, tiny, small, whole, big, huge, single, double_, exact, text_, day, moment, zoned, clock,
    texts, numbers, bytes_, nested, choice, doc, span, uid, deep)
"""


def publish(world: World, **options: Any) -> postgres.Served:
    return postgres.publish(world.settings, patience=Patience(total_s=5), **options)


def test_every_type_comes_back_as_it_went(world: World) -> None:
    build(world.settings, 1, "create type enum_of_two as enum ('x', 'y')", TYPES)
    assert publish(world).is_copied
    first, empty, third = world.rows("select * from marts.types order by id")
    assert first[:11] == (
        1, True, 7, 300, -5, 9007199254740993, Decimal("17014118346046923173168730371588410572"), 1.5,
        0.1 + 0.2, Decimal("12345.678"), "åäö \"citat\", semi;kolon\n\r\t\\N \\. 'x'",
    )  # fmt: skip
    assert first[11:18] == (
        dt.date(1969, 12, 31),
        dt.datetime(2024, 2, 29, 23, 59, 59, 123456),  # noqa: DTZ001
        dt.datetime(2024, 7, 1, 10, 0, tzinfo=dt.UTC),
        dt.time(10, 11, 12, 500000),
        ["a", None, 'b,"c"'],
        [1, None],
        b"\xaa\x00",
    )
    assert first[18:] == (
        '{"k":[1,2]}', "x", '{"a": 1}', "1 month 2 days", "7b1f0e3a-0000-4000-8000-000000000001", "[[1],[2]]",
    )  # fmt: skip
    assert empty == (2, *[None] * 23)
    assert third[10] == ""
    assert str(third[7]) == "nan"
    assert third[8] == float("-inf")
    assert third[15:17] == ([], [])


def test_texts_of_any_letters_come_back(world: World) -> None:
    letters = random.Random(7)  # noqa: S311
    texts = [
        "".join(letters.choices(",;\"'\\\n\r\t .åÖ€😀N0{}[]", k=letters.randrange(12))) for _ in range(400)
    ]
    rows = ", ".join("(" + str(n) + ", '" + text.replace("'", "''") + "')" for n, text in enumerate(texts))
    build(world.settings, 1, f"create table marts.texts as from (values {rows}) as t (n, text_)")
    publish(world)
    assert [row[0] for row in world.rows("select text_ from marts.texts order by n")] == texts


def test_a_nul_in_a_text_is_a_readable_error(world: World) -> None:
    build(world.settings, 1, "create table marts.odd as select 'a' || chr(0) || 'b' as text_")
    with pytest.raises(PublishError, match=r"marts\.odd has a value that PostgreSQL cannot hold"):
        publish(world)
    assert world.rows("select count(*) from pg_namespace where nspname like 'ame\\_2%'") == [(0,)]


def test_keys_indexes_comments_and_statistics(world: World) -> None:
    build(world.settings, 1)
    served = publish(world)
    assert served.schema == schema_of(version_name(1))
    constraints = world.rows(
        f"select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint "
        f"where connamespace = '{served.schema}'::regnamespace and contype = 'p' order by 1"
    )
    assert [text for _, text in constraints] == [
        "PRIMARY KEY (municipality_id)",
        "PRIMARY KEY (municipality_id, year)",
        "PRIMARY KEY (municipality_id, year)",
    ]
    required = (
        f"select attname from pg_attribute where attrelid = '{served.schema}.marts_participants'::regclass "
    )
    assert {row[0] for row in world.rows(required + "and attnotnull and attnum > 0")} == {
        "municipality_id",
        "year",
    }
    indexes = world.rows(
        f"select indexdef from pg_indexes where schemaname = '{served.schema}' "
        "and tablename = 'marts_participants'"
    )
    assert sorted(row[0].split("btree ")[1] for row in indexes) == [
        "(measure_id)",
        "(municipality_id, year)",
        "(year)",
    ]
    for name in ("marts.participants", f"{served.schema}.marts_participants"):
        told = f"select obj_description('{name}'::regclass), col_description('{name}'::regclass, 4)"
        assert world.rows(told) == [("Grain: one row per municipality's year; åäö.", "Persons; null = i.u.")]
    assert world.rows(
        f"select reltuples from pg_class where oid = '{served.schema}.marts_costs'::regclass"
    ) == [(ROWS,)]


def test_a_key_that_does_not_hold_stops_the_publication(world: World) -> None:
    manifest = build(world.settings, 1)
    manifest["tables"]["marts.participants"]["constraints"]["primary_key"] = ["measure_id"]
    with pytest.raises(PublishError, match="not unique by the key") as caught:
        postgres.publish(world.settings, manifest)
    assert "marts.participants" in str(caught.value)


def test_swedish_names(world: World) -> None:
    build(world.settings, 1)
    publish(world)
    assert world.rows("select kommun, år, deltagare from svenska.deltagare where kommun_id = '0001'") == [
        ("Åmål 1", 1, 1 / 3)
    ]
    assert len(world.rows("select * from svenska.luckor", "ame_reader")) == ROWS
    with duckdb.connect(str(world.settings.published / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute(
            "select kommun, år from svenska.kostnader where kommun_id = '0001'"
        ).fetchall() == [("Åmål 1", 1)]


def test_the_reader_reads_the_views_and_nothing_else(world: World) -> None:
    build(world.settings, 1)
    served = publish(world)
    assert world.rows("select version from quality.publication", "ame_reader") == [(version_name(1),)]
    assert world.rows("show default_transaction_read_only", "ame_reader") == [("on",)]
    assert world.rows("show statement_timeout", "ame_reader") == [("5min",)]
    refused = psycopg.errors.InsufficientPrivilege
    for sql in (
        "insert into marts.participants (municipality_id, year) values ('x', 1)",
        "update marts.costs set participants = 0",
        "delete from quality.gaps",
        "drop view marts.costs",
        "create table marts.mine (a int)",
        f"select * from {served.schema}.marts_costs",
        f"insert into {served.schema}.marts_costs (municipality_id) values ('x')",
        "select * from ame_serve.versions",
    ):
        with world.connect("ame_reader", autocommit=True) as con:
            con.execute("set default_transaction_read_only = off")
            with pytest.raises(refused):
                con.execute(sql.encode())


def test_a_version_that_is_there_is_not_copied_again(world: World) -> None:
    build(world.settings, 1)
    first = publish(world)
    again = publish(world)
    assert (first.is_copied, first.attempts) == (True, 1)
    assert (again.is_copied, again.attempts, again.schema) == (False, 0, first.schema)


def test_the_same_version_with_other_content_is_copied_beside_it(world: World) -> None:
    build(world.settings, 1)
    first = publish(world)
    build(world.settings, 1, rows=ROWS + 5)
    again = publish(world)
    assert again.is_copied
    assert again.schema == first.schema + "_r2"
    assert world.rows("select count(*) from marts.participants") == [(ROWS + 5,)]


def test_a_copy_that_somebody_changed_is_made_again(world: World) -> None:
    build(world.settings, 1)
    first = publish(world)
    world.rows(
        f"update {first.schema}.marts_costs set participants = 4711 "
        "where municipality_id = '0003' returning 1"
    )
    again = publish(world)
    assert again.is_copied
    assert world.rows("select participants from marts.costs where municipality_id = '0003'") == [(1.0,)]


def test_views_that_somebody_dropped_come_back(world: World) -> None:
    build(world.settings, 1)
    publish(world)
    world.connect(autocommit=True).execute("drop view marts.costs")
    again = publish(world)
    assert (again.is_copied, again.attempts) == (False, 1)
    assert world.rows("select count(*) from marts.costs", "ame_reader") == [(ROWS,)]


def test_columns_and_tables_may_change_between_versions(world: World) -> None:
    build(world.settings, 1, "create table marts.short_lived as select 1 as a")
    publish(world)
    build(
        world.settings,
        2,
        "alter table marts.participants add column added varchar default 'ny'",
        "alter table marts.costs drop column measure_id",
        "create or replace table quality.gaps as "
        "select 2 as year, '0001' as municipality_id, 'text' as participants",
    )
    publish(world)
    assert world.rows("select distinct added from marts.participants", "ame_reader") == [("ny",)]
    names = (
        "select column_name from information_schema.columns where table_schema = '{}' and table_name = '{}' "
    )
    shown = world.rows(names.format("marts", "costs") + "order by ordinal_position")
    assert [row[0] for row in shown] == ["municipality_id", "municipality", "year", "participants"]
    assert world.rows("select * from quality.gaps", "ame_reader") == [(2, "0001", "text")]
    assert world.rows("select to_regclass('marts.short_lived')") == [(None,)]
    build(world.settings, 3)
    publish(world)
    assert len(world.rows("select measure_id from marts.costs", "ame_reader")) == ROWS


def test_an_object_of_others_is_never_dropped(world: World) -> None:
    build(world.settings, 1)
    publish(world)
    mine = "create view public.mine as select municipality_id, measure_id from marts.costs"
    world.connect(autocommit=True).execute(mine.encode())
    build(world.settings, 2)  # the same columns: replaced in place
    publish(world)
    assert len(world.rows("select * from public.mine")) == ROWS
    build(world.settings, 3, "alter table marts.costs drop column measure_id")
    with pytest.raises(PublishError, match="depend on it") as caught:
        publish(world)
    assert "view mine depends on view marts.costs" in str(caught.value)
    assert world.rows("select version from quality.publication") == [(version_name(2),)]


def test_a_name_of_others_is_never_taken(world: World) -> None:
    world.connect(autocommit=True).execute("create schema svenska")
    build(world.settings, 1)
    with pytest.raises(PublishError, match="belongs to somebody else"):
        publish(world)
    world.connect(autocommit=True).execute("drop schema svenska")
    publish(world)
    with world.connect(autocommit=True) as con:
        con.execute("drop view marts.costs")
        con.execute("create table marts.costs (a int)")
    with pytest.raises(PublishError, match="belongs to somebody else") as caught:
        publish(world)
    assert "marts.costs (owner postgres)" in str(caught.value)


def test_old_versions_go_but_not_the_one_that_is_being_read(world: World) -> None:
    schemas = [schema_of(version_name(number)) for number in range(1, 7)]
    for number in range(1, 4):
        build(world.settings, number)
        assert publish(world).dropped == []
    reader = world.connect()  # an administrator in the tables themselves: the views are free
    reader.execute(f"select count(*) from {schemas[0]}.marts_costs".encode())
    build(world.settings, 4)
    assert publish(world).in_use == [schemas[0]]
    row = reader.execute(f"select count(*) from {schemas[0]}.marts_costs".encode()).fetchone()
    assert row == (ROWS,)
    reader.close()
    build(world.settings, 5)
    assert sorted(publish(world).dropped) == schemas[:2]
    left = world.rows("select nspname from pg_namespace where nspname like 'ame\\_2%' order by 1")
    assert [row[0] for row in left] == schemas[2:5]


def test_what_differs_is_not_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    build(world.settings, 1)
    publish(world)
    build(world.settings, 2)
    copy = load.copy_version

    def spoiled(con: Any, source: Any, schema: str, told: Any) -> None:
        copy(con, source, schema, told)
        con.execute(
            f"update {schema}.quality_gaps set participants = participants + 1e-15 "
            "where municipality_id = '0001'".encode()
        )

    monkeypatch.setattr(load, "copy_version", spoiled)
    with pytest.raises(PublishError, match=r"differs from the DuckDB file in quality\.gaps") as caught:
        publish(world)
    assert "in the last digit" in str(caught.value)
    assert world.rows("select distinct year from marts.participants") == [(1,)]
    monkeypatch.undo()
    assert publish(world).is_copied


def test_reconciliation_reads_in_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "PIECE_BYTES", 500)
    build(
        world.settings,
        1,
        "create table marts.one_column as select case when i > 1 then '' end as a from range(4) t(i)",
    )
    assert publish(world).is_copied
    assert sorted(world.rows("select a from marts.one_column"), key=str) == [("",), ("",), (None,), (None,)]


def test_long_names_stay_apart(world: World) -> None:
    long = "failing_" + "x" * 60
    build(
        world.settings,
        1,
        f"create table quality.{long}_a as select 1 as n",
        f"create table quality.{long}_b as select 2 as n",
    )
    publish(world)
    assert world.rows(f"select n from quality.{fit(long + '_a')}") == [(1,)]
    assert world.rows(f"select n from quality.{fit(long + '_b')}") == [(2,)]
    assert len(fit("å" * 60).encode()) <= 63
