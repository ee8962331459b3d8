"""The Data Docs as files that need nothing but a browser: no network, no scripts.

Great Expectations renders pages that fetch styles, scripts and a logo from other hosts, and a start page
that is empty without them. Its pages are kept as they are otherwise; the references are taken out, a
stylesheet is put in, and the start page is made anew from the results.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.quality.suites import Suite
from ame_warehouse.settings import Settings

KEEP_RUNS = 5
DONE = "<!-- offline -->"
_ACTIONS = (
    r'<div class="card mb-3">\s*<div class="card-header p-2">\s*<strong>Actions</strong>.*?(?:</div>\s*){5}'
)
_DROPPED = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<footer\b.*?</footer>|<button\b[^>]*onclick.*?</button>|"
    rf"{_ACTIONS}|<img\b[^>]*https?://[^>]*>",
    re.DOTALL,
)
_ADDRESS = re.compile(r"""(?P<name>\b(?:href|src)=)(?P<quote>["'])https?://.*?(?P=quote)""")
_STYLE_ADDRESS = re.compile(r"""url\((["']?)https?://.*?\1\)""")
STYLE = """
body { font-family: system-ui, sans-serif; line-height: 1.45; margin: 1rem 2rem; }
body { color: #222; background: #fff; }
.container, .container-fluid { padding: 0; }
nav.navbar { height: auto !important; border-bottom: 1px solid #ccc; padding-bottom: .5rem; }
ol.breadcrumb { list-style: none; padding: 0; } ol.breadcrumb li { display: inline; }
ol.breadcrumb li + li::before { content: " / "; color: #777; }
h1 { font-size: 1.4rem; } h2, h5 { font-size: 1.15rem; margin: 1.2rem 0 .4rem; }
h4, h6 { margin: .6rem 0 .3rem; }
table { border-collapse: collapse; margin: .4rem 0 1rem; max-width: 100%; }
th, td { border: 1px solid #ccc; padding: .25rem .6rem; text-align: left; vertical-align: top; }
tbody tr:nth-child(even) { background: #f5f6f7; }
.alert { background: #eef1f4; border-left: 4px solid #6b7c8c; padding: .5rem .8rem; margin: 1rem 0 .4rem; }
.sticky, .card { position: static; } ul.nav { list-style: none; padding: 0; columns: 3; }
.collapse { display: none; } .collapse:target, .tab-pane { display: block; }
.text-success, .passed { color: #11682f; } .text-danger, .failed { color: #a3121c; }
.text-warning { color: #7a5200; }
i.fa-check-circle::before { content: "\\2713"; } i.fa-times::before { content: "\\2717"; }
i.fa-exclamation-triangle::before { content: "\\26A0"; }
.badge { background: #dfe5ea; border-radius: .25rem; padding: 0 .3rem; font-family: monospace; }
td .show-scrollbars { max-height: none; } .cooltip .top { display: none; }
summary { cursor: pointer; margin: .4rem 0; }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #1b1e21; } a { color: #8ab4f8; } .alert, .badge { background: #2b3035; }
  tbody tr:nth-child(even) { background: #24282c; } .text-success, .passed { color: #6fd08c; }
  .text-danger, .failed { color: #ff8f97; } .text-warning { color: #f0c36d; }
}
"""


@dataclass(frozen=True)
class Page:
    """One suite in one run: its page (relative to the start page) and what came out."""

    run: str
    suite: str
    path: str
    passed: int
    total: int


def folder(settings: Settings) -> Path:
    """Return the directory of the Data Docs; `index.html` is the start page."""
    return settings.quality / "data_docs"


def page_of(suite: str, run_name: str, moment: str) -> str:
    """Return the page of a suite in a run, relative to the start page."""
    return f"validations/{suite}/{run_name}/{moment}/frames-{suite}.html"


def prune(settings: Settings, results: Path) -> None:
    """Remove the results of all but the newest runs and the one that is published."""
    published = str((read_manifest(settings) or {}).get("version"))
    for suite in results.glob("*/"):
        for old in sorted(suite.glob("*/"))[:-KEEP_RUNS]:
            if not old.name.startswith(published):
                shutil.rmtree(old, ignore_errors=True)


def finish(settings: Settings, results: Path, suites: list[Suite]) -> None:
    """Make the rendered pages work without a network, and write the start page."""
    docs = folder(settings)
    for path in docs.glob("*/**/*.html"):
        text = path.read_text(encoding="utf-8")
        if not text.endswith(DONE):
            path.write_text(offline(text), encoding="utf-8")
    shutil.rmtree(docs / "static", ignore_errors=True)
    (docs / "index.html").write_text(_index(_pages(docs, results), suites), encoding="utf-8")


def offline(text: str) -> str:
    """Return a rendered page without scripts and without anything that a browser would fetch elsewhere."""
    text = _DROPPED.sub("", text)
    text = _STYLE_ADDRESS.sub("none", _ADDRESS.sub(r"\g<name>\g<quote>#\g<quote>", text))
    return text.replace("</head>", f"<style>{STYLE}</style></head>", 1) + DONE


def _pages(docs: Path, results: Path) -> list[Page]:
    """Return the pages that are there, newest run first, suites by name."""
    found = []
    for path in sorted(results.glob("*/*/*/*.json")):
        suite, run, moment, _ = path.relative_to(results).parts
        page = page_of(suite, run, moment)
        if (docs / page).is_file():
            said = json.loads(path.read_text(encoding="utf-8"))["statistics"]
            found.append(
                Page(run, suite, page, said["successful_expectations"], said["evaluated_expectations"])
            )
    return sorted(sorted(found, key=lambda p: p.suite), key=lambda p: p.run, reverse=True)


def _index(pages: list[Page], suites: list[Suite]) -> str:
    about = {suite.name: str(suite.body.get("meta", {}).get("about") or "") for suite in suites}
    runs = list(dict.fromkeys(page.run for page in pages))
    parts = [
        f"<details{' open' if number < 2 else ''}><summary>{escape(run)}</summary>"  # noqa: PLR2004
        + _table([p for p in pages if p.run == run], about)
        + "</details>"
        for number, run in enumerate(runs)
    ]
    rows = "".join(
        f'<tr><td><a href="expectations/{escape(name)}.html">{escape(name)}</a></td>'
        f"<td>{escape(text)}</td></tr>"
        for name, text in about.items()
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="UTF-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1.0">'
        f"<title>Data Docs</title><style>{STYLE}</style></head><body><h1>Data Docs</h1>"
        "<p>What the checks found in the last runs: <code>landing</code> before dbt, "
        f"<code>marts</code> after it.</p><h2>Runs</h2>{''.join(parts)}"
        "<h2>Suites</h2><table><thead><tr><th>suite</th><th>what it looks at</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></body></html>{DONE}"
    )


def _table(pages: list[Page], about: dict[str, str]) -> str:
    rows = "".join(
        f'<tr><td><a href="{escape(p.path)}">{escape(p.suite)}</a></td>'
        f'<td class="{"passed" if p.passed == p.total else "failed"}">'
        f"{'all passed' if p.passed == p.total else f'{p.total - p.passed} did not pass'}</td>"
        f"<td>{p.total}</td><td>{escape(about.get(p.suite, ''))}</td></tr>"
        for p in pages
    )
    head = "<thead><tr><th>suite</th><th>outcome</th><th>checks</th><th>what it looks at</th></tr></thead>"
    return f"<table>{head}<tbody>{rows}</tbody></table>"
