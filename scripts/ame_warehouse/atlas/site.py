"""One site in the making: its data files and its pages, written below a staging directory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from ame_warehouse.atlas import texts

if TYPE_CHECKING:
    import duckdb

FOLDER = Path(__file__).parent
BATCH = 2_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class MenuEntry:
    """A page that the menu names: `id` (text key `menu.<id>`) and where it is, from the site's root."""

    id: str
    path: str


@dataclass
class Site:
    """What the builders of pages get: the published version to read and a place to write.

    Args:
        con: the published DuckDB file, read-only, with the temporary tables of `queries.prepare`.
        out: the staging directory.
        manifest: the manifest of the published version.
        menu: the pages of the menu, in order.
        versions: the versions that are kept, newest first, as `publish.rollback.kept` lists them.
        data_docs: the directory of Great Expectations' pages, None when there is none.
    """

    con: duckdb.DuckDBPyConnection
    out: Path
    manifest: dict[str, Any]
    menu: Sequence[MenuEntry]
    versions: list[dict[str, Any]] = field(default_factory=list)
    data_docs: Path | None = None
    pages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare the templates."""
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @property
    def version(self) -> str:
        """The published version that this site shows."""
        return str(self.manifest["version"])

    def rows(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query as dictionaries by column."""
        return list(self.stream(sql, values))

    def stream(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> Iterator[dict[str, Any]]:
        """Yield the rows of a query, a batch at a time; for what would not fit in memory."""
        cursor = self._executed(sql, values)
        names = [column[0] for column in cursor.description or []]
        while batch := cursor.fetchmany(BATCH):
            for row in batch:
                yield dict(zip(names, row, strict=True))

    def tuples(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query as tuples, a batch at a time."""
        cursor = self._executed(sql, values)
        while batch := cursor.fetchmany(BATCH):
            yield from batch

    def _executed(self, sql: str, values: Sequence[Any] | dict[str, Any]) -> duckdb.DuckDBPyConnection:
        cursor = self.con.cursor()  # a cursor of its own: another query may run before this one is read
        return cursor.execute(sql, values)

    def write_data(self, path: str, body: Any) -> None:
        """Write `data/<path>.json`: {"version", "body"}; numbers with a dot, dates as ISO text.

        Raises `ValueError` for a value that JSON does not know (NaN, infinity).
        """
        target = self.out / "data" / f"{path}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        content = {"version": self.version, "body": body}
        target.write_text(
            json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=iso, allow_nan=False),
            encoding="utf-8",
        )

    def write_page(
        self, page_id: str, path: str, template: str, script: str | None = None, **values: Any
    ) -> None:
        """Write a page in every language: Swedish at `path`, English at `en/<path>`.

        `template` extends `base.html`; `script` is a module of `static/js`; `values` go to the template
        (`title` is required) and, those in `page`, to the script as `page.*`.
        """
        for language in texts.LANGUAGES:
            inside = path if language == "sv" else f"{language}/{path}"
            root = "../" * inside.count("/")
            other = path if language != "sv" else f"en/{path}"
            body = self._environment.get_template(template).render(
                **(values | {"title": _in(language, values["title"])}),
                language=language,
                t=partial(_html_text, language),
                number=partial(texts.number, language=language),
                root=root,
                here=root if language == "sv" else f"{root}{language}/",
                other_language=root + other,
                policy=POLICY,
                menu=self.menu,
                page_id=page_id,
                script=script,
                version=self.version,
                manifest=self.manifest,
            )
            target = self.out / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(body, encoding="utf-8")
            self.pages.append(inside)

    def copy_static(self) -> None:
        """Copy styles, scripts and libraries, and write the texts for the scripts."""
        shutil.copytree(FOLDER / "static", self.out / "static")
        for language in texts.LANGUAGES:
            self.write_data(f"texts.{language}", texts.texts_of(language))


def _in(language: str, title: str | dict[str, str]) -> str:
    return title if isinstance(title, str) else title[language]


def _html_text(language: str, key: str, **values: Any) -> str:
    """Return a text; one whose key ends in `_html` may hold markup of its own."""
    if key.endswith("_html"):
        return Markup(texts.text(language, key, **{k: Markup.escape(v) for k, v in values.items()}))  # noqa: S704
    return texts.text(language, key, **values)


def iso(value: Any) -> str:
    """Return a date or time as ISO text, for `json.dumps`."""
    return str(value.isoformat())
