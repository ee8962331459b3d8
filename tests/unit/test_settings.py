"""Settings: where the .env is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ame_warehouse.settings import PROJECT_ROOT, Settings


def test_the_env_file_of_the_project_counts_from_every_directory() -> None:
    """A timer that starts `ame` elsewhere must not fall back to the defaults (AME_SOURCES=sample)."""
    assert Settings.model_config["env_file"] == (PROJECT_ROOT / ".env", ".env")


def test_the_working_directory_wins_over_the_project_and_the_environment_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AME_SOURCES", "AME_KOLADA_RPS", "AME_KOLADA_ATTEMPTS"):
        monkeypatch.delenv(name, raising=False)
    project, here = tmp_path / "project.env", tmp_path / "here.env"
    project.write_text("AME_SOURCES=live\nAME_KOLADA_RPS=3\nAME_KOLADA_ATTEMPTS=7\n", encoding="utf-8")
    here.write_text("AME_KOLADA_RPS=2\n", encoding="utf-8")
    monkeypatch.setenv("AME_KOLADA_ATTEMPTS", "1")
    found = Settings(_env_file=(project, here))  # type: ignore[call-arg]
    assert (found.sources, found.kolada_rps, found.kolada_attempts) == ("live", 2, 1)


@pytest.mark.parametrize("name", ["kolada_url", "af_url"])
def test_an_address_with_a_password_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="without a user name or password"):
        Settings(_env_file=None, **{name: "https://me:secret@example.org/v3"})  # type: ignore[call-arg]


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_home_is_the_default_never_the_project_itself(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`AME_HOME=` in a `.env` or a compose file would write landing/ and build/ among the sources."""
    monkeypatch.setenv("AME_HOME", empty)
    assert Settings(_env_file=None).home == PROJECT_ROOT / "data"  # type: ignore[call-arg]
