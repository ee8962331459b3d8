"""The Data Docs after a run: usable without a network, every link leads somewhere, old runs go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from tests.pipeline.home import SampleRun

from ame_warehouse.quality import data_docs, gx_runner
from ame_warehouse.settings import PROJECT_ROOT, Settings

FETCHED = ("src", "href", "srcset", "data", "action", "poster")


class References(HTMLParser):
    """Collects what a browser would fetch or follow, and the scripts and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif name in FETCHED:
                self.found.append(value or "")


def pages(docs: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(docs.rglob("*")):
        if path.is_file():
            yield path, path.read_text(encoding="utf-8")


@pytest.mark.pipeline
def test_no_page_refers_to_another_host_and_every_link_leads_somewhere(sample_run: SampleRun) -> None:
    docs = sample_run.home / "quality" / "data_docs"
    seen = 0
    for path, text in pages(docs):
        page = References(text)
        assert "script" not in page.tags, path
        assert not re.search(r"url\(\s*[\"']?\s*(https?:)?//|@import", text), path
        for address in page.found:
            assert not re.match(r"\s*(https?:)?//", address), (path, address)
            target, _, anchor = address.partition("#")
            assert not target or (path.parent / target).is_file(), (path, address)
            assert target or not anchor or anchor in page.ids, (path, address)
        seen += 1
    assert seen > 30


@pytest.mark.pipeline
def test_each_result_of_a_suite_names_its_page(sample_run: SampleRun) -> None:
    docs = sample_run.home / "quality" / "data_docs"
    with duckdb.connect(str(sample_run.home / "published" / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute("select check_id, stage, status, message, docs_page from quality.check_results")
        results = rows.fetchall()
    assert {stage for _, stage, _, _, page in results if page} == {"landing", "marts"}
    assert {stage for _, stage, _, _, page in results if not page} == {"dbt"}
    for check_id, _, status, message, page in results:
        if page:
            text = (docs / page).read_text(encoding="utf-8")
            assert message.split("<")[0][:40] in text, check_id
            assert status == "passed" or "Failed" in text
    start = (docs / "index.html").read_text(encoding="utf-8")
    failing = [page for _, _, status, _, page in results if page and status != "passed"]
    assert failing
    for page in failing:
        assert re.search(rf'<a href="{re.escape(page)}">.*?</td><td class="failed">', start)


def test_the_newest_runs_are_kept_and_the_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(_env_file=None, home=tmp_path / "home", project=PROJECT_ROOT)
    monkeypatch.setattr(data_docs, "KEEP_RUNS", 1)
    monkeypatch.setattr(data_docs, "read_manifest", lambda _settings: {"version": "v1"})
    for version in ("v1", "v2", "v3"):
        gx_runner.run_stage(settings, "landing", tmp_path / "candidate.duckdb", run_name=version)
    kept = {path.parts[-3] for path in data_docs.folder(settings).glob("validations/*/*/*/*.html")}
    assert kept == {"v1-landing", "v3-landing"}
    assert "v2-landing" not in (data_docs.folder(settings) / "index.html").read_text(encoding="utf-8")
