"""Settings from the environment or `.env`; every name is listed in `.env.example`."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ame_warehouse.errors import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
HOME = "data"
SECRET = ("AME_SERVE_DSN", "AME_ALERT_URLS", "AME_HEARTBEAT_URL")
AF_INDEX_URL = "https://arbetsformedlingen.se/statistik/sok-statistik/tidigare-statistik-tidsserier"


class Settings(BaseSettings):
    """Everything that can be set from outside. Paths are absolute after validation."""

    # The project's own .env counts from wherever `ame` is started; one in the working directory wins over it.
    model_config = SettingsConfigDict(
        env_prefix="AME_", env_file=(PROJECT_ROOT / ".env", ".env"), extra="ignore"
    )

    home: Path = Path(HOME)
    sources: Literal["sample", "live"] = "sample"
    municipalities: str = "all"
    kolada_url: str = "https://api.kolada.se/v3"
    kolada_rps: float = Field(default=5.0, gt=0, le=100_000)
    kolada_connections: int = Field(default=4, ge=1, le=64)
    kolada_timeout: float = Field(default=60.0, gt=0, le=3_600)
    kolada_attempts: int = Field(default=5, ge=1, le=20)
    kolada_backoff: float = Field(default=1.0, ge=0, le=3_600)
    kolada_max_mb: int = Field(default=64, ge=1, le=100_000)
    fetch_minutes: float = Field(default=90.0, gt=0, le=10_000)
    af_url: str = AF_INDEX_URL
    serve_dsn: str = ""
    alert_urls: str = ""
    heartbeat_url: str = ""
    publisher: str = ""
    contact_email: str = ""
    public_url: str = ""
    project: Path = PROJECT_ROOT
    memory_limit: str = "1GB"
    keep_versions: int = Field(default=3, ge=1, le=100_000)
    keep_days: int = Field(default=30, ge=1, le=36_500)

    @field_validator("*", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        try:
            is_text = not isinstance(value, str) or b"\0" not in value.encode()
        except UnicodeEncodeError:  # bytes of another encoding
            is_text = False
        if not is_text:
            raise ValueError("expected text in UTF-8")
        return value

    @field_validator("home", "project", mode="before")
    @classmethod
    def _absolute(cls, value: Any, info: ValidationInfo) -> Any:
        """An empty variable means the default, never the directory in which somebody happens to be."""
        if isinstance(value, str) and not value.strip():
            value = HOME if info.field_name == "home" else PROJECT_ROOT
        try:
            path = Path(value).expanduser()
        except RuntimeError as exc:
            raise ValueError("expected a directory; ~ leads to no home of a user") from exc
        return path if path.is_absolute() else (PROJECT_ROOT / path).resolve()

    @field_validator("kolada_url", "af_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("expected an address that starts with http:// or https://")
        if "@" in value.split("//", 1)[1].split("/", 1)[0]:
            raise ValueError("expected an address without a user name or password: it is written to records")
        try:
            parts = urlsplit(value)
            is_whole = bool(parts.hostname) and parts.port != 0 and not any(c.isspace() for c in value)
        except ValueError:  # no such port, a bracket without its end
            is_whole = False
        if not is_whole:
            raise ValueError("expected an address such as https://api.kolada.se/v3")
        return value.rstrip("/")

    @field_validator("memory_limit")
    @classmethod
    def _amount(cls, value: str) -> str:
        if not re.fullmatch(r"0*[1-9][0-9]*(\.[0-9]+)?\s*[kmgt]i?b", value.strip(), re.IGNORECASE):
            raise ValueError("expected an amount of memory such as 1GB or 800MB")
        return value.strip()

    @cached_property
    def landing(self) -> Path:
        """Raw answers and the outcome record of every request."""
        return self.home / "landing"

    @cached_property
    def observations(self) -> Path:
        """Parquet files parsed from the landing; can always be made again from it."""
        return self.home / "observations"

    @cached_property
    def build(self) -> Path:
        """Private work space of the builds."""
        return self.home / "build"

    @cached_property
    def published(self) -> Path:
        """What readers open: `warehouse.duckdb`, `parquet/`, `manifest.json`."""
        return self.home / "published"

    @cached_property
    def quality(self) -> Path:
        """Check results, incidents and Data Docs."""
        return self.home / "quality"

    @cached_property
    def airflow_home(self) -> Path:
        """Airflow's own home: metadata database and logs."""
        return self.home / "airflow"

    def is_own(self, path: Path) -> bool:
        """True for a place that the pipeline keeps for itself, where no command writes what a user named."""
        own = ("landing", "observations", "build", "published", "quality", "airflow", ".locks")
        return any(path.resolve().is_relative_to((self.home / name).resolve()) for name in own)

    @cached_property
    def dbt_project(self) -> Path:
        """The dbt project; its seeds are the catalogue."""
        return self.project / "dbt_project"

    @cached_property
    def seeds(self) -> Path:
        """Seed files: KPI catalogue, compositions, places, groups, printed tables."""
        return self.dbt_project / "seeds"

    @property
    def municipality_scope(self) -> list[str]:
        """Municipality or group ids in scope; empty means all."""
        ids = [part.strip() for part in self.municipalities.split(",") if part.strip()]
        return [] if [i.lower() for i in ids] in ([], ["all"]) else ids


def load_settings() -> Settings:
    """Read the settings; raise `SettingsError` that names the variable, the value and what is allowed."""
    try:
        return Settings()
    except ValidationError as exc:
        first = exc.errors()[0]
        name = "AME_" + "_".join(str(part) for part in first["loc"]).upper()
        may_hide = name in SECRET or "@" in str(first.get("input"))
        raise SettingsError(
            f"the setting {name} cannot be used",
            expected=str(first["msg"]).removeprefix("Value error, ").removeprefix("expected "),
            found="(not shown: it may hold a password)" if may_hide else ascii(first.get("input")),
            source="environment or .env",
            action=f"correct {name}; .env.example lists every setting",
        ) from (None if may_hide else exc)
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(
            "the file .env cannot be read",
            expected="a text file in UTF-8 that this user may read, with lines NAME=value",
            found=f"{type(exc).__name__}: {exc}",
            source=f"{PROJECT_ROOT / '.env'}, or .env in the directory where the command was started",
            action="correct or remove it; .env.example lists every setting",
        ) from exc
