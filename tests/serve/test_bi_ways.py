"""The ways of docs/bi.md, as libraries behind the tools use them: SQLAlchemy, DuckDB read-only, Parquet."""

from __future__ import annotations

import csv
import re

import duckdb
import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from psycopg import conninfo
from tests.serve.postgres_server import ROWS, World, build, version_name

from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.serve import postgres, roles
from ame_warehouse.settings import PROJECT_ROOT

TEXT = (PROJECT_ROOT / "docs" / "bi.md").read_text(encoding="utf-8")


def test_sqlalchemy_as_the_reader_finds_schemas_columns_and_descriptions(world: World) -> None:
    """What Superset (and every SQLAlchemy tool) does when a database is added and a dataset is made."""
    build(world.settings, 1)
    postgres.publish(world.settings)
    parts = conninfo.conninfo_to_dict(world.dsn) | {"user": roles.READER}
    engine = sa.create_engine("postgresql+psycopg://", connect_args=parts, poolclass=sa.NullPool)
    inspector = sa.inspect(engine)
    assert {"marts", "quality", "svenska"} <= set(inspector.get_schema_names())
    assert sorted(inspector.get_view_names("svenska")) == ["deltagare", "kostnader", "luckor"]
    columns = {column["name"]: column for column in inspector.get_columns("participants", "marts")}
    assert columns["participants"]["comment"] == "Persons; null = i.u."
    assert isinstance(columns["municipality_id"]["type"], sa.TEXT)
    frame = pd.read_sql("select * from svenska.deltagare order by kommun_id", engine)
    assert (len(frame), frame["kommun_id"][0], frame["år"][0]) == (ROWS, "0000", 1)
    assert frame["deltagare"].isna().sum() == len(range(0, ROWS, 7))
    with engine.connect() as con, pytest.raises(sa.exc.DBAPIError):
        con.execute(sa.text("delete from marts.participants"))


def test_a_personal_login_in_the_reading_role(world: World) -> None:
    """The SQL of the section 'Setting up': rights are inherited."""
    build(world.settings, 1)
    postgres.publish(world.settings)
    with world.connect(autocommit=True) as con:
        con.execute("drop role if exists anna")
        con.execute("create role anna login password 'x' in role ame_reader")
        con.execute("alter role anna set default_transaction_read_only = on")
    assert world.rows("select count(*) from marts.costs", "anna") == [(ROWS,)]
    with world.connect("anna") as con, pytest.raises(psycopg.Error):
        con.execute("create table public.mine (a int)")


def test_the_duckdb_file_read_only_during_publications(world: World) -> None:
    build(world.settings, 1)
    path = str(world.settings.published / "warehouse.duckdb")
    with duckdb.connect(path, read_only=True) as old:
        assert old.execute("select distinct år from svenska.deltagare").fetchall() == [(1,)]
        build(world.settings, 2)
        assert old.execute("select distinct year from marts.costs").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            old.execute("delete from marts.costs")
    with duckdb.connect(path, read_only=True) as new:
        assert new.execute("select distinct year from marts.costs").fetchall() == [(2,)]
    kept = world.settings.published / "versions" / version_name(1) / "warehouse.duckdb"
    with duckdb.connect(str(kept), read_only=True) as old:
        assert old.execute("select distinct year from marts.costs").fetchall() == [(1,)]


def test_parquet_keeps_types_and_a_resolved_link_keeps_its_version(world: World) -> None:
    build(world.settings, 1)
    public = world.settings.published / "parquet"
    resolved = public.resolve()
    build(world.settings, 2)
    for folder, number in ((public, 2), (resolved, 1)):
        for name in ("marts/participants", "marts/costs", "quality/gaps"):
            frame = pd.read_parquet(folder / f"{name}.parquet").sort_values("municipality_id")
            assert set(frame["year"]) == {number}
            assert frame["municipality_id"].iloc[0] == "0000"
            assert frame["participants"].isna().sum() == len(range(0, ROWS, 7))
    body = read_manifest(world.settings)
    assert body is not None
    assert public.resolve().parent.name == body["version"]


def test_the_page_names_what_there_is() -> None:
    names = csv.DictReader(
        (PROJECT_ROOT / "dbt_project" / "seeds" / "swedish_names.csv").open(encoding="utf-8")
    )
    tables = {row["name_sv"] for row in names if row["kind"] == "table"}
    named = set(re.findall(r"`svenska\.([a-z_]+)`", TEXT))
    assert len(named) >= 6
    assert named <= tables
    assert all(role in TEXT for role in (roles.PUBLISHER, roles.READER))
    minutes = roles.READER_STATEMENT_TIMEOUT.replace("min", " minutes")
    assert f"{minutes} per statement" in TEXT
    assert all(f"**{tool}" in TEXT for tool in ("Metabase", "Superset", "Power BI", "Excel"))
