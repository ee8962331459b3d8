"""The register of checks: what each check says, how grave it is, who acts and how. Data, in one place.

`expectations/register/*.yml` is the only place for these words; suites, dbt tests and checks in Python name
a row by its check_id. A row whose id ends in `*` is a family (`alert_delivery_*`), and so is `dbt_<kind>` for
each kind of generic dbt test; `{it}` in its texts is what the single check is about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ame_warehouse.errors import BuildError
from ame_warehouse.quality.results import SEVERITIES, CheckResult, Severity, Stage, Status, now_text

if TYPE_CHECKING:
    from ame_warehouse.settings import Settings

OWNERS = ("data_engineer", "data_steward", "operator")
TOOLS = ("great_expectations", "dbt", "python")
FAMILY = "dbt_"
_TEXTS = ("check_id", "says", "expected", "action", "severity", "owner", "stage", "checked_by", "bad_data")
_CHOICES = {"severity": SEVERITIES, "owner": OWNERS, "stage": get_args(Stage), "checked_by": TOOLS}


@dataclass(frozen=True)
class Entry:
    """One row: `says` is the sentence that must hold; `bad_data` is the file whose data make it fail."""

    check_id: str
    says: str
    expected: str
    action: str
    severity: Severity
    owner: str
    stage: Stage
    checked_by: str
    bad_data: str
    requirements: tuple[str, ...] = ()

    @property
    def is_family(self) -> bool:
        """True when the row stands for several checks."""
        return self.check_id.endswith("*") or (self.checked_by == "dbt" and self.check_id.startswith(FAMILY))

    def of(self, check_id: str, it: str) -> Entry:
        """Return the row of one member of the family, about `it`."""
        texts = {name: getattr(self, name).replace("{it}", it) for name in ("says", "expected", "action")}
        return replace(self, check_id=check_id, **texts)

    def agrees(self, severity: str, place: str, source: Path) -> None:
        """Raise `BuildError` when dbt gives the test at `place` another severity than this row."""
        if (self.severity == "error") != (severity == "error"):
            raise BuildError(
                f"the test {self.check_id} has two severities",
                expected=f"{self.severity}, as the register of checks says",
                found=f"{severity} at {place}",
                source=str(source),
                action="write `severity: warn` in the yml exactly where the register says warning or info",
            )

    def result(
        self,
        *,
        status: Status,
        found: str,
        expected: str | None = None,
        action: str | None = None,
        owner: str | None = None,
        ran_at: str | None = None,
        **more: Any,
    ) -> CheckResult:
        """Return the result of this check; `expected`, `action`, `owner` where the case says more."""
        return CheckResult(
            check_id=self.check_id,
            severity=self.severity,
            status=status,
            stage=self.stage,
            expected=expected or self.expected,
            found=found,
            owner=owner or self.owner,
            message=self.says,
            action=action or self.action,
            ran_at=ran_at or now_text(),
            **more,
        )


@dataclass(frozen=True)
class Register:
    """All rows, by check_id."""

    entries: dict[str, Entry]
    source: Path

    def entry(self, check_id: str, *, kind: str | None = None, it: str | None = None) -> Entry:
        """Return the row of a check: its own, else that of its family.

        Args:
            check_id: id of the check.
            kind: for a dbt test, its generic kind (`not_null`).
            it: what a member of the family is about; the rest of its id when nothing is said.

        Raises `BuildError` when neither is registered.
        """
        own = self.entries.get(check_id)
        if own is not None and not own.is_family:
            return own
        family = self.entries.get(f"{FAMILY}{kind}") if kind else None
        if family is not None:
            return family.of(check_id, it or check_id)
        stems = [e for e in self.entries.values() if e.check_id.endswith("*")]
        for stem in sorted(stems, key=lambda e: -len(e.check_id)):
            if check_id.startswith(stem.check_id[:-1]):
                return stem.of(check_id, it or check_id.removeprefix(stem.check_id[:-1]))
        raise BuildError(
            f"the check {check_id} is not in the register",
            expected="a row with this check_id: sentence, severity, owner, action",
            found="none",
            source=str(self.source),
            action="add the row (expectations/README.md says how), then `ame checks` shows it",
        )


def folder(settings: Settings) -> Path:
    """Return the directory of the register."""
    return settings.project / "expectations" / "register"


def load(settings: Settings) -> Register:
    """Return the register.

    Raises `BuildError` when a file cannot be read, a row is not in its form, or an id stands there twice.
    """
    source = folder(settings)
    return _load(source, tuple((p, p.stat().st_mtime_ns) for p in sorted(source.glob("*.yml"))))


def result(settings: Settings, check_id: str, *, failed: bool, found: str, **more: Any) -> CheckResult:
    """Return the result of a check that is made in Python; see `Entry.result` for the rest.

    Raises `BuildError` when the check is not registered.
    """
    entry = load(settings).entry(check_id)
    return entry.result(status="failed" if failed else "passed", found=found, **more)


@lru_cache(maxsize=4)
def _load(source: Path, files: tuple[tuple[Path, int], ...]) -> Register:
    entries: dict[str, Entry] = {}
    for path, _ in files:
        for entry in _rows(path):
            if entry.check_id in entries:
                raise _wrong_form(path, f"check_id {entry.check_id} twice")
            entries[entry.check_id] = entry
    if not entries:
        raise _wrong_form(source, "no rows")
    return Register(entries, source)


def _rows(path: Path) -> list[Entry]:
    import yaml

    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        common = {name: body[name] for name in ("checked_by", "stage", "bad_data") if name in body}
        rows = [{**common, **row} for row in body["checks"]]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as exc:
        raise _wrong_form(path, f"{type(exc).__name__}: {exc}") from exc
    return [_entry(path, row) for row in rows]


def _entry(path: Path, row: dict[str, Any]) -> Entry:
    name = row.get("check_id") or "a row without check_id"
    lacking = [key for key in _TEXTS if not isinstance(row.get(key), str) or not row[key].strip()]
    odd = sorted(row.keys() - set(_TEXTS) - {"requirements"})
    wrong = [f"{key} {row[key]!r}" for key, words in _CHOICES.items() if key in row and row[key] not in words]
    if lacking or odd or wrong:
        raise _wrong_form(path, f"{name}: {', '.join([*lacking, *odd, *wrong])}")
    return Entry(**{**row, "requirements": tuple(row.get("requirements") or ())})


def _wrong_form(path: Path, found: str) -> BuildError:
    return BuildError(
        "the register of checks is not in the form that is needed",
        expected="rows with " + ", ".join(_TEXTS) + " (the last three may stand once for the file)",
        found=f"missing or wrong: {found}",
        source=str(path),
        action="see expectations/README.md and correct the file",
    )
