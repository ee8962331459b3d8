"""The atlas of the sample, served on loopback, and a real browser that watches what its pages do."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from ame_warehouse.atlas import build, server
from ame_warehouse.pipeline.published import rows
from ame_warehouse.settings import Settings

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Atlas:
    """A site that is served, and the published version that it must agree with."""

    folder: Path
    address: str
    warehouse: Path
    made: build.Made

    def sql(self, text: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """Ask the published version."""
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            return rows(con, text, values)


@dataclass
class Watched:
    """A page of the browser, and what it did that it should not have."""

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Open a page of the atlas and wait until it has what it asked for."""
        self.page.goto(self.address + path, wait_until="networkidle")
        return self.page


@pytest.fixture(scope="session")
def sample_home(request: pytest.FixtureRequest) -> Path:
    """The home after a run of the sample; AME_TEST_HOME names one that is there already, to save a minute."""
    if there := os.environ.get("AME_TEST_HOME"):
        return Path(there)
    home: Path = request.getfixturevalue("sample_run").home
    return home


@pytest.fixture(scope="session")
def atlas(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Atlas]:
    """The atlas of the sample, made into a folder of its own."""
    settings = Settings(_env_file=None, home=sample_home)
    made = build.make(settings, tmp_path_factory.mktemp("atlas") / "site")
    with server.serve(Path(made.folder), 0) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        address = server.address(running.server_port)
        yield Atlas(Path(made.folder), address, settings.published / "warehouse.duckdb", made)
        running.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once per session; the tests are skipped where it is not installed."""
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed; `make test` says how to get it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def watch(atlas: Atlas, browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Return a function that opens a watched page; at the end nothing may have gone wrong on any of them."""
    opened: list[Watched] = []

    def new(**options: Any) -> Watched:
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
        )
        watched = Watched(context.new_page(), atlas.address)
        page = watched.page
        page.set_default_timeout(60_000)
        page.on("console", lambda said: _note_console(watched, said.type, said.text))
        page.on("pageerror", lambda error: watched.faults.append(f"error: {error}"))
        page.on("requestfailed", lambda request: _note_failure(watched, request))
        page.on("request", lambda request: watched.requests.append(request.url))
        opened.append(watched)
        return watched

    yield new
    for watched in opened:
        watched.page.context.close()
        assert watched.faults == []
        outside = [url for url in watched.requests if not url.startswith((atlas.address, "blob:", "data:"))]
        assert outside == []


def _note_failure(watched: Watched, request: Request) -> None:
    if request.failure != "net::ERR_ABORTED":  # what a page still asks for when one leaves it is no fault
        watched.faults.append(f"failed: {request.url}: {request.failure}")


def _note_console(watched: Watched, kind: str, text: str) -> None:
    if kind in {"error", "warning"}:
        watched.faults.append(f"{kind}: {text}")


@pytest.fixture
def watched(watch: Callable[..., Watched]) -> Watched:
    """One watched page, as wide as a desk."""
    return watch()
