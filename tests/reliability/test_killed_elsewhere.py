"""SIGKILL in the steps of AF, in a publication of the same version, in PostgreSQL, and in the heavy tools."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg import conninfo
from tests.faults import af_bad_days
from tests.reliability.cases import CASES, IS_FULL, TEST_SECONDS
from tests.reliability.conftest import Counted, SmallWorld
from tests.reliability.looking import keep_looking_at_postgres, look
from tests.reliability.tasks import build_version, kill_whole_chains, poll_af, publish_again, serve
from tests.serve.postgres_server import ROWS, server, version_name

from ame_warehouse.publish.manifest import read_json
from ame_warehouse.sample.af_cube import Cube
from ame_warehouse.sample.af_server import AfServer, Site, fixed, made
from ame_warehouse.sample.af_workbooks import sok_book
from ame_warehouse.sample.af_xlsx import write

pytestmark = pytest.mark.timeout(TEST_SECONDS)


def spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` numbers of 1 … count, evenly; all of them in the longer form."""
    if IS_FULL or count <= wanted:
        return list(range(1, count + 1))
    return [1 + int(i * count / wanted) for i in range(wanted)]


def workbooks(home: Path) -> tuple[list[Any], list[Any]]:
    """Return (the file in use of each dataset, rows by dataset and file) as the observations have them."""
    root = home / "observations" / "source=arbetsformedlingen"
    with duckdb.connect() as con:
        used = con.execute(
            f"select dataset, file_sha256, is_stale from '{root}/*/files.parquet' "
            "qualify row_number() over (partition by dataset order by fetch_id desc) = 1 order by all"
        ).fetchall()
        rows = con.execute(
            "select dataset, file_sha256, count(*), count(distinct fetch_id), sum(value) "
            f"from '{root}/*/jobseekers.parquet' group by all order by all"
        ).fetchall()
    return used, rows


def test_killed_in_the_af_steps(world: SmallWorld, tmp_path: Path, counted: Counted) -> None:
    site = Site(af_bad_days.files())
    with AfServer(site) as running:
        env = {"AME_AF_URL": running.url(), "AME_KOLADA_TIMEOUT": "5"}
        base = tmp_path / "base"
        code, report = world.children.run(poll_af, world.env(base, **env), root=base)
        assert code == 0 and "error" not in report, report
        changed = made(lambda path: write(path, sok_book(Cube("2023-09", "2023-11"))))
        site.files[af_bad_days.name_of(af_bad_days.SOK)] = fixed(changed)
        undisturbed = tmp_path / "undisturbed"
        shutil.copytree(base, undisturbed)
        code, report = world.children.run(poll_af, world.env(undisturbed, **env), root=undisturbed)
        assert code == 0 and "error" not in report, report
        expected = workbooks(undisturbed)
        points = spread(len(report["seen"]), CASES["killed in the AF steps"])
        for number in points:
            home = tmp_path / f"home-{number}"
            shutil.copytree(base, home)
            code, _ = world.children.run(poll_af, world.env(home, **env), root=home, at=number)
            assert code == -9, number
            code, again = world.children.run(poll_af, world.env(home, **env), root=home)
            assert code == 0 and "error" not in again, (number, again)
            assert workbooks(home) == expected, (number, report["seen"][number - 1])
            shutil.rmtree(home)
    counted("killed in the AF steps", len(points))


def test_killed_while_a_version_is_published_again(
    world: SmallWorld, reader: Callable[[Path], None], counted: Counted
) -> None:
    """A task that is repeated publishes its version again: `parquet/` must never point at nothing."""
    version = read_json(world.base / "published" / "manifest.json")["version"]
    home = world.home()
    reader(home)
    code, report = world.children.run(publish_again, world.env(home), version, root=home)
    assert code == 0 and "error" not in report, report
    seen = report["seen"]
    first = next(n for n, one in enumerate(seen, 1) if one == ["os.fsync", "published/.staging-" + version])
    points = [first + n - 1 for n in spread(len(seen) - first + 1, CASES["published twice, killed"])]
    for number in points:
        home = world.home()
        reader(home)
        code, _ = world.children.run(publish_again, world.env(home), version, root=home, at=number)
        assert code == -9, number
        code, report = world.children.run(publish_again, world.env(home), version, root=home)
        assert code == 0 and "error" not in report, report
        assert (home / "published" / "parquet").resolve().parent.name == version
        world.finish(home, (number, seen[number - 1]))
    counted("published twice, killed", len(points))


@pytest.fixture
def dsn() -> Iterator[str]:
    """A database of its own."""
    with server() as superuser:
        with psycopg.connect(superuser, autocommit=True) as con:
            con.execute("drop database if exists ame_reliability with (force)")
            con.execute("create database ame_reliability encoding 'UTF8' template template0")
        yield conninfo.make_conninfo(superuser, dbname="ame_reliability")
        with psycopg.connect(superuser, autocommit=True) as con:
            con.execute("drop database ame_reliability with (force)")


def test_killed_in_postgres(
    world: SmallWorld, tmp_path: Path, dsn: str, watched: Callable[..., Any], counted: Counted
) -> None:
    moments = random.Random(20230604)  # noqa: S311
    home = tmp_path / "home"

    def build(number: int) -> None:
        code, report = world.children.run(build_version, str(home), number, root=home)
        assert code == 0 and "error" not in report, report

    def publish() -> Any:
        code, report = world.children.run(serve, str(home), dsn, 0.0, root=home)
        assert code == 0
        return report.get("value"), report.get("readable")

    build(1)
    begun = time.monotonic()
    assert publish() == (version_name(1), None)
    whole = max(1.0, time.monotonic() - begun)
    wanted = 50 if IS_FULL else CASES["killed in PostgreSQL"]
    killed = 0
    with watched(keep_looking_at_postgres, tmp_path / "notes.json", dsn, ROWS):
        for number in range(2, 60):
            build(number)
            process, _ = world.children.begin(serve, str(home), dsn, 0.2, root=home)
            process.join(moments.uniform(0.05, whole))
            process.kill()
            process.join()
            killed += process.exitcode == -9
            assert publish() == (version_name(number), None)
            if killed == wanted:
                break
    counted("killed in PostgreSQL", killed)


def test_killed_in_dbt_or_in_the_checks(world: SmallWorld, counted: Counted) -> None:
    """With the real dbt and the real Great Expectations, at moments spread over their work."""
    wanted = 12 if IS_FULL else CASES["killed in dbt or in the checks"]
    homes = [world.home() for _ in range(2 * wanted + 1)]  # more than needed, where the time is misjudged
    shares = [0.2 + 0.65 * number / (wanted - 1) for number in range(wanted)]
    code, report = world.children.run(
        kill_whole_chains, [world.env(home) for home in homes], shares, root=world.folder
    )
    assert code == 0 and "error" not in report, report
    (_, _, first), *others = report["value"]
    assert first == 0 and {code for *_, code in others} <= {0, -9}, report["value"]
    killed = [(Path(home), share) for home, share, code in others if code == -9]
    assert [share for _, share in killed] == shares
    for home, share in killed:
        assert look(home / "published", world.known) is None
        world.finish(home, f"killed at {share:.0%} of the chain")
    counted("killed in dbt or in the checks", wanted)
