"""Errors that a person reads: what was expected, what came, from where, and what to do."""

from __future__ import annotations

LONGEST_BRIEF = 300


class AmeError(Exception):
    """A fault with a readable explanation.

    Args:
        message: one sentence that says what went wrong.
        expected: what should have been there.
        found: what was there instead.
        source: where it came from (URL, file, table).
        action: what the reader can do about it.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        expected: str | None = None,
        found: str | None = None,
        source: str | None = None,
        action: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.found = found
        self.source = source
        self.action = action

    def __str__(self) -> str:
        parts = [self.message]
        for label, text in (
            ("expected", self.expected),
            ("found", self.found),
            ("source", self.source),
            ("do", self.action),
        ):
            if text:
                parts.append(f"{label}: {text}")
        return "; ".join(parts)

    @property
    def brief(self) -> str:
        """What went wrong and what was found, in one line: for texts that quote this error in another one."""
        text = " ".join((f"{self.message}: {self.found}" if self.found else self.message).split())
        return text if len(text) <= LONGEST_BRIEF else text[: LONGEST_BRIEF - 2] + " …"


def short(exc: BaseException) -> str:
    """Return one line about any error, for texts that quote it."""
    return exc.brief if isinstance(exc, AmeError) else AmeError(f"{type(exc).__name__}: {exc}").brief


class SettingsError(AmeError):
    """A setting is missing or cannot be used (exit status 2)."""

    exit_code = 2


class SourceError(AmeError):
    """A source answered something that cannot be used for one request or one measure."""


class SourceUnavailableError(SourceError):
    """A source cannot be reached at all: nothing else of this fetch will succeed."""


class LandingError(AmeError):
    """The landing cannot be written or read back."""


class DamagedError(LandingError):
    """A file of the landing is not what was stored: it has rotted, or somebody changed it."""


class SeedError(AmeError):
    """A seed file of the dbt project cannot be read."""


class BuildError(AmeError):
    """The candidate could not be built, or a newer version has overtaken it."""


class CheckFailedError(AmeError):
    """A check of severity `error` failed: the candidate is not published."""


class PublishError(AmeError):
    """The candidate could not be published; readers keep the version they have."""


class CopyDiffersError(PublishError):
    """A published copy is not what the candidate holds."""


class BusyError(AmeError):
    """Another run is writing to the same AME_HOME."""
