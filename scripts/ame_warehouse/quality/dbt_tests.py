"""The data tests of the dbt project as its yml files declare them: for the register, without running dbt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ame_warehouse.errors import BuildError

if TYPE_CHECKING:
    from ame_warehouse.settings import Settings


@dataclass(frozen=True)
class DbtTest:
    """One data test: its kind (`not_null`), what it is put on (`participants.year`), its own name if any."""

    kind: str
    subject: str
    name: str | None
    severity: str


def declared(settings: Settings) -> list[DbtTest]:
    """Return every generic and singular data test, by file and place in it.

    Raises `BuildError` when a yml file cannot be read.
    """
    found = []
    for path in sorted(settings.dbt_project.rglob("*.yml")):
        if path.parent.name == "target" or path.parent == settings.dbt_project:
            continue
        body = _read(path)
        for part in ("models", "seeds", "sources"):
            for node in body.get(part) or []:
                tables = node.get("tables", []) if part == "sources" else [node]
                for table in tables:
                    found += list(_tests_of(table))
    singular = sorted((settings.dbt_project / "tests").glob("*.sql"))
    return found + [DbtTest("singular", path.stem, path.stem, "error") for path in singular]


def _tests_of(node: dict[str, Any]) -> Iterator[DbtTest]:
    for test in node.get("data_tests") or []:
        yield _test(test, str(node["name"]))
    for column in node.get("columns") or []:
        for test in column.get("data_tests") or []:
            yield _test(test, f"{node['name']}.{column['name']}")


def _test(test: str | dict[str, Any], subject: str) -> DbtTest:
    if isinstance(test, str):
        return DbtTest(test, subject, None, "error")
    kind, body = next(iter(test.items()))
    severity = str((body.get("config") or {}).get("severity", "error")).lower()
    return DbtTest(kind, subject, body.get("name"), "warning" if severity == "warn" else severity)


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        # the loader that dbt uses; the one in plain Python refuses some of what dbt reads
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise BuildError(
            f"the yml file {path.name} cannot be read",
            expected="YAML in UTF-8",
            found=f"{type(exc).__name__}: {exc}",
            source=str(path),
            action="restore the file from version control",
        ) from exc
