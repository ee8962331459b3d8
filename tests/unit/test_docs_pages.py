"""The pages of the project: every link leads somewhere, every page and picture is reached from the README."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from ame_warehouse.settings import PROJECT_ROOT

README = PROJECT_ROOT / "README.md"
DECISIONS = PROJECT_ROOT / "docs" / "decisions"
PAGES = [
    *PROJECT_ROOT.glob("*.md"),
    *(page for folder in ("docs", "expectations", "bi") for page in (PROJECT_ROOT / folder).rglob("*.md")),
]
PICTURES = [path for path in (PROJECT_ROOT / "docs").rglob("*") if path.suffix in {".png", ".svg"}]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")


@cache
def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


@cache
def anchors(page: Path) -> set[str]:
    """Return what `#…` may name on a page: its headings, as GitHub writes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", prose(page)))
    return {re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-") for text in headings}


def links(page: Path) -> list[tuple[Path, str]]:
    """Return where the links of a page lead: file, and the anchor in it ('' = none)."""
    parts = [target.partition("#") for target in LINK.findall(prose(page))]
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in parts]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {target.name}#{anchor}"


def test_every_page_and_picture_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [README]
    while waiting:
        path = waiting.pop()
        if path.is_dir() and (path / "README.md").exists():
            path = path / "README.md"
        if path not in reached:
            reached.add(path)
            waiting += [target for target, _ in links(path)] if path.suffix == ".md" else []
    left = sorted({*PAGES, *PICTURES} - reached)
    assert not left, f"nothing links to {', '.join(path.name for path in left)}"


def test_the_index_of_decisions_names_each_once_in_order() -> None:
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (DECISIONS / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(page.name for page in DECISIONS.glob("0*.md"))


def test_the_map_of_the_architecture_names_every_folder() -> None:
    page = (PROJECT_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = {part for code in re.findall(r"`([\w/]+)/`", page) for part in code.split("/")}
    folders = [PROJECT_ROOT / "scripts", PROJECT_ROOT / "scripts" / "ame_warehouse", PROJECT_ROOT / "tests"]
    here = {one.name for folder in folders for one in folder.iterdir() if any(one.glob("*.py"))}
    assert here <= named, f"not on the map: {here - named}"
