"""Parts of the atlas that need neither data nor browser: texts, numbers, libraries, server."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ports import free_port

from ame_warehouse.atlas import server, texts
from ame_warehouse.atlas.site import FOLDER
from ame_warehouse.errors import AmeError
from ame_warehouse.settings import PROJECT_ROOT

VENDOR = FOLDER / "static" / "vendor"
SOURCE = PROJECT_ROOT / "scripts" / "atlas_vendor"
OWN_SCRIPTS = sorted((FOLDER / "static" / "js").rglob("*.js"))
USED = re.compile(r"""\bt(?:extOr)?\(\s*"([\w.]+)\"""")


def test_every_text_is_there_in_both_languages_with_the_same_places() -> None:
    for key, text in texts.all_texts().items():
        assert set(text) == set(texts.LANGUAGES), key
        assert all(words.strip() for words in text.values()), key
        places = {frozenset(re.findall(r"\{(\w+)\}", words)) for words in text.values()}
        assert len(places) == 1, key
    assert list(texts.all_texts()) == sorted(texts.all_texts())


def test_every_text_that_is_used_is_there() -> None:
    known = set(texts.all_texts())
    for path in [*OWN_SCRIPTS, *sorted((FOLDER / "templates").glob("*.html"))]:
        used = set(USED.findall(path.read_text(encoding="utf-8")))
        lacking = {key for key in used - known if not any(k.startswith(key) for k in known)}
        assert lacking == set(), path.name


@pytest.mark.parametrize(
    ("value", "decimals", "swedish", "english"),
    [
        (1234.5, 1, "1\u202f234,5", "1,234.5"),
        (0, 0, "0", "0"),
        (-0.04, 1, "0,0", "0.0"),
        (-1234567, 0, "\u22121\u202f234\u202f567", "\u22121,234,567"),
        (None, 0, "–", "–"),
    ],
)
def test_numbers_for_people(value: float | None, decimals: int, swedish: str, english: str) -> None:
    assert texts.number(value, "sv", decimals) == swedish
    assert texts.number(value, "en", decimals) == english


def test_the_libraries_are_the_ones_that_the_list_says() -> None:
    listed = json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))
    assert set(listed["files"]) == {path.name for path in VENDOR.glob("*.js")}
    for name, file in listed["files"].items():
        body = (VENDOR / name).read_bytes()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file["bytes"], file["sha256"]), name
    licences = (VENDOR / "LICENCES.txt").read_text(encoding="utf-8")
    locked = json.loads((SOURCE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, package in listed["packages"].items():
        assert f"{name} {package['version']} ({package['license']})" in licences
        assert locked[f"node_modules/{name}"]["version"] == package["version"]
        assert package["license"] in {"ISC", "MIT"}, name


def test_the_lock_names_no_registry() -> None:
    locked = json.loads((SOURCE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all("resolved" not in package for package in locked.values())
    assert all(package.get("integrity") for path, package in locked.items() if path)


def test_nothing_of_the_site_points_outside() -> None:
    for path in [*OWN_SCRIPTS, *FOLDER.glob("templates/*"), *FOLDER.glob("static/css/*")]:
        found = re.findall(r"""(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}""", path.read_text(encoding="utf-8"))
        assert [url for url in found if url != "http://www.w3.org"] == [], path.name


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    folder = tmp_path / "atlas"
    with server.serve(folder, 0) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, running.server_port
        running.shutdown()


def ask(
    port: int, path: str, host: str | None = None, method: str = "GET"
) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, dict(answer.getheaders())


def test_the_server_says_so_while_there_is_no_atlas(site: tuple[Path, int]) -> None:
    status, body, _ = ask(site[1], "/")
    assert status == 503
    assert "ame run" in body


def test_the_server_gives_files_of_its_folder_to_this_machine_only(site: tuple[Path, int]) -> None:
    folder, port = site
    folder.mkdir()
    (folder / "index.html").write_text("<p>atlas</p>")
    (folder / "data").mkdir()
    (folder.parent / "secret.txt").write_text("hemligt")
    status, body, headers = ask(port, "/")
    assert (status, body) == (200, "<p>atlas</p>")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ask(port, "/", host="evil.example")[0] == 421
    assert ask(port, "/../secret.txt")[0] == 404
    assert ask(port, "/%2e%2e/secret.txt")[0] == 404
    assert ask(port, "/data/")[0] == 404  # no listing
    assert ask(port, "/", method="POST")[0] == 501


def test_the_server_is_a_process_of_its_own_that_ends_when_it_is_told(tmp_path: Path) -> None:
    port = free_port()
    process = server.start(tmp_path, port)
    try:
        deadline = time.monotonic() + 60
        while (answer := _status(port)) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert answer == 503  # nothing is made yet
        with pytest.raises(AmeError, match="is taken"):
            server.start(tmp_path, port)
    finally:
        process.terminate()
    assert process.wait(timeout=60) == 0
    assert _status(port) is None


def _status(port: int) -> int | None:
    try:
        return ask(port, "/")[0]
    except OSError:
        return None
