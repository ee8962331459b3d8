"""Making the atlas: staged and swapped, skipped when it is there, never at the cost of anything else."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ame_warehouse.atlas import build, pages, step
from ame_warehouse.atlas.site import Site
from ame_warehouse.cli.main import app
from ame_warehouse.errors import AmeError
from ame_warehouse.quality.incidents import list_incidents
from ame_warehouse.settings import Settings


@pytest.fixture
def settings(sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home that shows the sample's published version, without one's own incidents and atlas."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "published").symlink_to(sample_home / "published")
    monkeypatch.setenv("AME_HOME", str(home))
    return Settings(_env_file=None, home=home)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the start page only: for tests of how a site takes its place."""
    monkeypatch.setattr(pages, "BUILDERS", (pages.start.build,))


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def failing(_site: Site) -> None:
    raise ValueError("a page with a fault")


def test_it_is_made_once_per_version_and_code(
    settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = step.make(settings)
    assert (first["status"], first["error"]) == ("made", None)
    assert step.make(settings)["status"] == "unchanged"
    monkeypatch.setattr(build, "code_mark", lambda: "another")
    assert step.make(settings)["status"] == "made"
    mark = json.loads((settings.home / "atlas" / "atlas.json").read_text())
    assert mark["version"] == first["version"]
    assert str(settings.home) not in json.dumps(mark)
    assert sorted(path.name for path in settings.home.iterdir() if "atlas" in path.name) == ["atlas"]


def test_the_same_version_gives_the_same_files(settings: Settings, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    build.make(settings, one)
    build.make(settings, other)
    first, second = content(one), content(other)
    first.pop("atlas.json"), second.pop("atlas.json")
    assert first == second


def test_a_failure_is_an_incident_and_readers_keep_the_site(
    settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    step.make(settings)
    before = content(settings.home / "atlas")
    with monkeypatch.context() as patch:
        patch.setattr(pages, "BUILDERS", (*pages.BUILDERS, failing))
        patch.setattr(build, "code_mark", lambda: "another")
        failed = step.make(settings)
    assert failed["status"] == "failed"
    assert "a page with a fault" in str(failed["error"])
    assert content(settings.home / "atlas") == before
    assert sorted(path.name for path in settings.home.iterdir() if path.name.startswith(".atlas")) == []
    incident = next(i for i in list_incidents(settings, open_only=True) if i.check_id == "atlas_made")
    assert "ame atlas" in incident.action
    assert step.make(settings)["incidents"] == [incident.incident_id]  # resolved
    assert list_incidents(settings, open_only=True) == []


def test_readers_never_find_it_missing_or_mixed(settings: Settings, quick: None, tmp_path: Path) -> None:
    target = tmp_path / "site"
    build.make(settings, target)
    seen: set[str] = set()
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            try:
                seen.add(json.loads((target / "data" / "start.json").read_text())["version"])
            except OSError as error:
                seen.add(type(error).__name__)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        version = build.make(settings, target, is_forced=True).version
    is_over.set()
    reader.join()
    assert seen == {version}


def test_other_peoples_files_are_not_replaced(settings: Settings, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("years of work")
    with pytest.raises(AmeError, match="cannot be made there") as caught:
        build.make(settings, theirs)
    assert "--out" in (caught.value.action or "")
    assert (theirs / "thesis.txt").read_text() == "years of work"


def test_nothing_published_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AmeError, match="nothing is published yet"):
        build.make(Settings(_env_file=None, home=tmp_path / "empty"))


def test_the_command_makes_it_where_one_wants_it(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "www"
    done = CliRunner().invoke(app, ["atlas", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["is_made"]
    assert (out / "index.html").exists()
    assert said["files"] == len(content(out)) - 1  # and atlas.json itself
    assert not (settings.home / "atlas").exists()
