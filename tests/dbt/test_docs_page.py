"""`ame docs` builds one page with every published model, which asks nothing outside itself."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import sync_playwright

from ame_warehouse.builder.docs import build_docs
from ame_warehouse.errors import BuildError
from ame_warehouse.settings import PROJECT_ROOT, Settings

MODELS = PROJECT_ROOT / "dbt_project" / "models"
CHROMIUM = shutil.which("chromium")


def test_the_page_has_every_model_and_needs_no_network(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", _env_file=None)
    page = build_docs(settings)
    assert page == settings.home / "docs" / "dbt" / "index.html"
    text = page.read_text(encoding="utf-8")
    named = [
        model["name"]
        for path in (MODELS / "marts").glob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    ]
    assert len(named) > 30
    assert [name for name in named if f"model.ame.{name}" not in text] == []
    assert not (settings.build / "docs").exists()
    if CHROMIUM is None:
        pytest.skip("no chromium: the page is built, but was not opened")
    with ThreadPoolExecutor(1) as apart:  # another test of this process may have a browser of its own
        asked = apart.submit(addresses_asked_for, page).result()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def addresses_asked_for(page: Path) -> list[str]:
    """Open the page at a model and look at its columns; return everything that the browser asked for."""
    asked: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(f"{page.as_uri()}#!/model/model.ame.costs")
        tab.get_by_text("What municipal labour-market measures").first.wait_for(timeout=30_000)
        assert tab.get_by_text("net_cost_sek_per_participant").count() > 0
        browser.close()
    return asked


def test_what_dbt_says_is_told(tmp_path: Path) -> None:
    (tmp_path / "project" / "dbt_project").mkdir(parents=True)
    settings = Settings(home=tmp_path / "home", project=tmp_path / "project", _env_file=None)
    with pytest.raises(BuildError, match="documentation") as caught:
        build_docs(settings)
    assert "dbt_project.yml" in str(caught.value.found)
