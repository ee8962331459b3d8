"""Faults of address, server, rights and names; the password stays secret; the pipeline goes on."""

from __future__ import annotations

import logging
import threading
import time

import psycopg
import pytest
from tests.serve.postgres_server import World, build, version_name
from typer.testing import CliRunner

from ame_warehouse.cli.main import app
from ame_warehouse.errors import AmeError, PublishError, SettingsError
from ame_warehouse.quality.incidents import list_incidents
from ame_warehouse.serve import postgres, step
from ame_warehouse.serve.dsn import hide, shown
from ame_warehouse.serve.roles import setup_sql

SECRET = "hem/lig:t@å%"


def test_the_address_is_shown_without_its_password() -> None:
    assert shown("postgresql://ame:hemligt@db.example:5433/ame") == "postgresql://ame@db.example:5433/ame"
    assert shown("host=db.example dbname=ame user=x password=hemligt") == "postgresql://x@db.example/ame"
    dsn = "postgresql://ame:hem%2Flig@db/ame"
    assert hide("hem/lig and hem%2Flig", dsn) == "*** and ***"


@pytest.mark.parametrize(
    "dsn", ["postgresql//ame:hemligt@db/ame", "postgresql://ame:hem ligt@db:x/ame", "ame=hemligt"]
)
def test_an_address_that_is_none_is_not_repeated(world: World, dsn: str) -> None:
    build(world.settings, 1)
    with pytest.raises(SettingsError) as caught:
        postgres.publish(world.settings.model_copy(update={"serve_dsn": dsn}))
    assert "AME_SERVE_DSN" in str(caught.value)
    assert "ligt" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"dbname": "no_such_database"}, "no_such_database"),
        ({"user": "no_such_user"}, "no_such_user"),
        ({"host": "/nowhere"}, "No such file"),
        ({"host": "127.0.0.1", "port": "1"}, "refused"),
    ],
)
def test_what_cannot_be_reached(world: World, changes: dict[str, str], word: str) -> None:
    build(world.settings, 1)
    settings = world.with_dsn(**changes, password=SECRET)
    with pytest.raises(PublishError, match="cannot be reached") as caught:
        postgres.publish(settings)
    assert word in str(caught.value)
    assert SECRET not in str(caught.value)


def test_the_password_stays_out_of_logs_errors_and_incidents(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with world.connect(autocommit=True) as con:
        con.execute("drop role if exists ame_login")
        con.execute(psycopg.sql.SQL("create role ame_login superuser login password {}").format(SECRET))
    manifest = build(world.settings, 1)
    caplog.set_level(logging.DEBUG)
    wrong = step.serve(world.with_dsn(user="ame_login", password=SECRET + "x"), manifest)
    right = step.serve(world.with_dsn(user="ame_login", password=SECRET), manifest)
    assert (wrong.status, right.status) == ("failed", "published")
    assert isinstance(wrong.error, PublishError)
    assert "password authentication failed" in str(wrong.error)
    told = [caplog.text, *capsys.readouterr(), str(wrong), str(right)]
    told += [str(vars(incident)) for incident in list_incidents(world.settings)]
    told += [row[0] for row in world.rows("select application_name from pg_stat_activity")]
    for text in told:
        assert SECRET not in text
        assert "hem%2Flig" not in text


def test_a_failure_is_an_incident_and_the_next_run_catches_up(world: World) -> None:
    manifest = build(world.settings, 1)
    away = world.with_dsn(host="/nowhere")
    failed = step.serve(away, manifest)
    assert failed.as_dict()["status"] == "failed"
    assert "cannot be reached" in failed.as_dict()["error"]
    assert len(failed.recorded.opened) == 1
    (incident,) = list_incidents(world.settings)
    assert (incident.check_id, incident.is_open, incident.severity) == (
        "postgres_publication",
        True,
        "warning",
    )
    assert step.catch_up(away, manifest).recorded.opened == []
    back = step.catch_up(world.settings, manifest)
    assert (back.status, back.recorded.resolved) == ("published", [incident.incident_id])
    assert step.catch_up(world.settings, manifest).status == "unchanged"
    assert step.serve(world.settings.model_copy(update={"serve_dsn": ""}), manifest).status == "off"
    assert world.rows("select version from quality.publication") == [(version_name(1),)]


def test_the_server_goes_away_in_the_middle(world: World) -> None:
    build(world.settings, 1)
    postgres.publish(world.settings)
    build(world.settings, 2)

    def end(stage: str) -> None:
        if stage == "copied":
            kill = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like "
            world.rows(kill + "'ame-warehouse%'")

    with pytest.raises(PublishError, match="connection to PostgreSQL was lost"):
        postgres.publish(world.settings, on_stage=end)
    assert world.rows("select distinct year from marts.costs") == [(1,)]
    assert postgres.publish(world.settings).is_copied


def test_two_publications_at_once(world: World) -> None:
    build(world.settings, 1)
    inside, leave = threading.Event(), threading.Event()

    def hold(stage: str) -> None:
        if stage == "copied":
            inside.set()
            leave.wait(30)

    first = threading.Thread(target=lambda: postgres.publish(world.settings, on_stage=hold), daemon=True)
    first.start()
    assert inside.wait(30)
    threading.Timer(1, leave.set).start()
    assert postgres.publish(world.settings).is_copied is False
    first.join(20)
    assert not first.is_alive()


def test_a_login_without_rights_gets_the_sql_to_run(world: World) -> None:
    build(world.settings, 1)
    database = world.settings.serve_dsn.split("dbname=")[1].split()[0]
    with world.connect(autocommit=True) as con:
        con.execute("drop role if exists plain_login")
        con.execute("create role plain_login login")
        held = con.execute(
            "select rolname from pg_roles where rolname in ('ame_publisher', 'ame_reader')"
        ).fetchall()
    with pytest.raises(PublishError, match="may not set up the roles") as caught:
        postgres.publish(world.with_dsn(user="plain_login"))
    statements = setup_sql("plain_login", database)
    assert all(statement in str(caught.value) for statement in statements)
    with world.connect(autocommit=True) as con:
        known = {f"create role {row[0]} login" for row in held}
        for statement in statements:
            if statement not in known:
                con.execute(statement.encode())
    served = postgres.publish(world.with_dsn(user="plain_login"))
    assert served.is_copied
    assert world.rows("select count(*) > 0 from marts.costs", "ame_reader") == [(True,)]


def test_a_login_that_may_create_roles_needs_no_help(world: World) -> None:
    """In a cluster where the roles exist already, it must be a member: the error says how."""
    build(world.settings, 1)
    database = world.settings.serve_dsn.split("dbname=")[1].split()[0]
    with world.connect(autocommit=True) as con:
        con.execute("drop role if exists maker")
        con.execute("create role maker login createrole")
        con.execute(f"alter database {database} owner to maker".encode())
    try:
        served = postgres.publish(world.with_dsn(user="maker"))
    except PublishError as exc:
        assert 'grant ame_publisher to "maker"' in str(exc)
    else:
        assert served.is_copied
    finally:
        with world.connect(autocommit=True) as con:
            con.execute(f"alter database {database} owner to postgres".encode())


def test_the_command(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AME_HOME", str(world.settings.home))
    monkeypatch.setenv("AME_SERVE_DSN", world.dsn)
    with pytest.raises(PublishError, match="nothing is published yet"):
        CliRunner().invoke(app, ["serve"], catch_exceptions=False)
    build(world.settings, 1)
    done = CliRunner().invoke(app, ["serve"], catch_exceptions=False)
    assert done.exit_code == 0
    assert f"shows {version_name(1)}" in done.stdout
    assert "copied and reconciled" in done.stdout
    assert "create role ame_reader login" in CliRunner().invoke(app, ["serve", "--setup-sql"]).stdout
    monkeypatch.setenv("AME_SERVE_DSN", "")
    with pytest.raises(AmeError, match="no PostgreSQL to publish to"):
        CliRunner().invoke(app, ["serve"], catch_exceptions=False)


def test_a_damaged_publication_is_said_to_be_one(world: World) -> None:
    manifest = build(world.settings, 1)
    path = world.settings.published / "versions" / version_name(1) / "warehouse.duckdb"
    path.write_bytes(b"no database")
    begun = time.monotonic()
    with pytest.raises(PublishError, match="cannot be read"):
        postgres.publish(world.settings, manifest)
    assert time.monotonic() - begun < 100, "it does not wait as for readers"
    del manifest["tables"]["marts.costs"]
    build(world.settings, 2)
    body = manifest | {"version": version_name(2)}
    with pytest.raises(PublishError, match="do not belong together"):
        postgres.publish(world.settings, body)
