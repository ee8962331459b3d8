"""Bad input: one readable message that says what to do, exit status not 0, what is published untouched."""

from __future__ import annotations

import errno
import json
import os
import shutil
import textwrap
from pathlib import Path

import pytest
from tests.pipeline.home import Done, ame, fingerprint
from tests.ports import free_port

from ame_warehouse.errors import AmeError
from ame_warehouse.pipeline import locks, steps
from ame_warehouse.sample.dataset import Dataset
from ame_warehouse.sample.faults import Fault
from ame_warehouse.settings import PROJECT_ROOT, Settings

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
IMPATIENT = {
    "AME_SOURCES": "live",
    "AME_KOLADA_RPS": "1000",
    "AME_KOLADA_BACKOFF": "0",
    "AME_KOLADA_ATTEMPTS": "2",
    "AME_KOLADA_TIMEOUT": "5",
}


def is_one_readable_message(done: Done, *words: str) -> None:
    message = done.stderr[done.stderr.index("ame: ") :]
    assert done.status == 1, done.stderr
    assert done.stdout == ""
    assert message.count("ame: ") == 1
    assert "Traceback" not in done.stderr
    assert "\n  do:" in message
    assert len(message.splitlines()) <= 8
    for word in words:
        assert word.lower() in message.lower(), message


@pytest.fixture
def step_home(used_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The used home as the settings of this process, for steps called as functions."""
    for name, value in {**IMPATIENT, "AME_HOME": str(used_home)}.items():
        monkeypatch.setenv(name, value)
    return used_home


def finished_fetches(home: Path) -> list[str]:
    """Return the fetches that readers can see: what a failed one left is hidden, and removed by the next."""
    found = (path.name for path in (home / "landing" / "kolada").iterdir())
    return sorted(name for name in found if not name.startswith("."))


def fails_readably(home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> AmeError:
    """Fetch from `url`; return the error after seeing that nothing has changed."""
    monkeypatch.setenv("AME_KOLADA_URL", url)
    before, fetches = fingerprint(home), finished_fetches(home)
    with pytest.raises(AmeError) as caught:
        steps.fetch_kolada()
    assert fingerprint(home) == before
    assert finished_fetches(home) == fetches
    assert caught.value.action
    return caught.value


def test_a_refused_connection(used_home: Path) -> None:
    before = fingerprint(used_home)
    url = f"http://127.0.0.1:{free_port()}/v3"
    mixed = ame(used_home, "run", **IMPATIENT, AME_KOLADA_URL=url)
    assert (mixed.status, mixed.stdout) == (2, "")
    assert "made from AME_SOURCES=sample, not live" in mixed.stderr
    done = ame(used_home, "run", "--switch-sources", **IMPATIENT, AME_KOLADA_URL=url)
    is_one_readable_message(done, url, "log:")
    assert fingerprint(used_home) == before


def test_a_wrong_path(serve, small: Dataset, step_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = fails_readably(step_home, monkeypatch, serve(small).url("/v2"))
    assert "404" in str(error)


def test_a_host_that_does_not_exist(step_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = fails_readably(step_home, monkeypatch, "http://kolada.invalid/v3")
    assert "kolada.invalid" in str(error)


def test_html_instead_of_json(
    serve, small: Dataset, step_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = fails_readably(step_home, monkeypatch, serve(small, Fault("html")).url())
    assert "html" in str(error).lower() or "json" in str(error).lower()


def test_a_catalogue_without_our_ids(
    serve, small: Dataset, step_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_ids(envelope: dict) -> dict:
        return {**envelope, "values": [{**kpi, "id": f"X{kpi['id']}"} for kpi in envelope["values"]]}

    server = serve(small, Fault("change", match="/kpi", change=other_ids))
    error = fails_readably(step_home, monkeypatch, server.url())
    assert "catalogue" in str(error).lower()


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"kpi_id;title\n\xff\xfe\n", "utf-8"), (b"", "rows"), (b"something,else\n1,2\n", "columns")],
)
def test_an_unreadable_seed(
    content: bytes, word: str, step_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT_ROOT / "dbt_project" / "seeds", project / "dbt_project" / "seeds")
    (project / "dbt_project" / "seeds" / "kpi_catalogue.csv").write_bytes(content)
    monkeypatch.setenv("AME_PROJECT", str(project))
    error = fails_readably(step_home, monkeypatch, "http://127.0.0.1:9/v3")
    assert "kpi_catalogue.csv" in str(error)
    assert word in str(error).lower()


def test_a_home_without_permission(tmp_path: Path) -> None:
    home = next((p for p in (Path("/sys"), Path("/proc")) if p.is_dir()), Path("/")) / "ame-home"
    done = ame_at(tmp_path, home)
    is_one_readable_message(done, "AME_HOME")


def ame_at(folder: Path, home: Path) -> Done:
    """Run `ame run` for a home whose parent is no place to work in."""
    (folder / "cwd").mkdir()
    return ame(folder / "cwd" / "unused", "run", AME_HOME=str(home))


def test_a_full_disk(used_home: Path, tmp_path: Path) -> None:
    """The disk says that it is full when the landing makes its first answer last."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        textwrap.dedent(f"""
        import os
        def fsync(descriptor):
            if "landing" in os.readlink(f"/proc/self/fd/{{descriptor}}"):
                raise OSError({errno.ENOSPC}, "No space left on device")
        os.fsync = fsync
        """)
    )
    before, fetches = fingerprint(used_home), finished_fetches(used_home)
    done = ame(used_home, "run", PYTHONPATH=str(hook))
    is_one_readable_message(done, "no space left on device", "free space", "log:")
    after = fingerprint(used_home)
    assert before.pop("manifest.json") != after.pop("manifest.json")
    assert after == before
    manifest = json.loads((used_home / "published" / "manifest.json").read_text())
    assert manifest["stale"] is True
    assert "fetch_" in manifest["stale_reason"]
    assert finished_fetches(used_home) == fetches


def test_a_second_run_while_one_is_running(used_home: Path) -> None:
    before = fingerprint(used_home)
    with locks.exclusive_run(Settings(home=used_home), "ame run"):
        done = ame(used_home, "run")
    is_one_readable_message(done, "another process", f"process {os.getpid()}", "wait")
    assert fingerprint(used_home) == before


def test_an_unknown_measure(used_home: Path) -> None:
    before = fingerprint(used_home)
    done = ame(used_home, "run", "--measures", "U00000")
    assert done.status == 2
    assert "U00000" in done.stderr
    assert "kpi_catalogue.csv" in done.stderr
    assert fingerprint(used_home) == before


def test_an_unexpected_error_names_the_log_and_shows_no_traceback(used_home: Path, tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import random\ndef token_hex(n=None): raise ZeroDivisionError('boom')\n"
        "import secrets\nsecrets.token_hex = token_hex\n"
    )
    (used_home / "airflow").mkdir()
    (used_home / "airflow" / ".component_secret").write_text("0" * 128)
    done = ame(used_home, "run", PYTHONPATH=str(hook))
    is_one_readable_message(done, "fetch_kolada", "ZeroDivisionError: boom", "log:")
    log = Path(done.stderr.rsplit("log:", 1)[1].strip())
    assert "Traceback" in log.read_text()
