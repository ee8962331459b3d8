"""The shape of a manifest, as far as the code relies on it: a file edited by hand is told apart from ours."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class _File(_Strict):
    bytes: int
    sha256: str = ""


class _Rollback(_Strict):
    by: str
    reason: str
    held: list[dict[str, Any]]


class _Manifest(_Strict):
    version: str = ""
    built_at: str | None = None
    as_of: str | None = None
    stale: bool = False
    stale_since: str | None = None
    stale_reason: str | None = None
    fingerprint_parts: dict[str, str] = {}
    sources: dict[str, dict[str, Any]] = {}
    row_counts: dict[str, int] = {}
    tables: dict[str, dict[str, Any]] = {}
    files: dict[str, _File] = {}
    rollback: _Rollback | None = None


def fault(body: Any) -> str | None:
    """Return what is not as a manifest has it, `sources.kolada: …`; None when the code can rely on it."""
    try:
        _Manifest.model_validate(body)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else "no JSON object"
    return None
