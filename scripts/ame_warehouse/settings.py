"""Settings from the environment or `.env`; every name is listed in `.env.example`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ame_warehouse.errors import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
HOME = "data"
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
    kolada_timeout: float = Field(default=60.0, gt=0)
    kolada_attempts: int = Field(default=5, ge=1, le=20)
    kolada_backoff: float = Field(default=1.0, ge=0)
    kolada_max_mb: int = Field(default=64, ge=1)
    fetch_minutes: float = Field(default=90.0, gt=0)
    af_url: str = AF_INDEX_URL
    serve_dsn: str = ""
    alert_urls: str = ""
    heartbeat_url: str = ""
    publisher: str = ""
    contact_email: str = ""
    public_url: str = ""
    project: Path = PROJECT_ROOT
    memory_limit: str = "1GB"
    keep_versions: int = Field(default=3, ge=1)
    keep_days: int = Field(default=30, ge=1)

    @field_validator("home", mode="before")
    @classmethod
    def _default_home(cls, value: object) -> object:
        """An empty variable means the default, never the project's own directory."""
        return HOME if isinstance(value, str) and not value.strip() else value

    @field_validator("home", "project")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        path = value.expanduser()
        return path if path.is_absolute() else (PROJECT_ROOT / path).resolve()

    @field_validator("kolada_url", "af_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(f"expected an address that starts with http:// or https://, found {value!r}")
        if "@" in value.split("//", 1)[1].split("/", 1)[0]:
            raise ValueError("expected an address without a user name or password: it is written to records")
        return value.rstrip("/")

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
        raise SettingsError(
            f"the setting {name} cannot be used",
            expected=str(first["msg"]),
            found=repr(first.get("input")),
            source="environment or .env",
            action=f"correct {name}; .env.example lists every setting",
        ) from exc
