"""Names and quoting in PostgreSQL: identifiers of at most 63 bytes, literals, names of versioned schemas."""

from __future__ import annotations

import hashlib
import re

MAX_BYTES = 63
PREFIX = "ame_"
VERSIONED = re.compile(r"ame_[0-9]{8}t[0-9]{6}z_[0-9a-z]+(_r[0-9]+)?")
"""Names of versioned schemas; every other schema is left alone."""


def fit(name: str) -> str:
    """Return the name, shortened to 63 bytes with a mark of its own when it is longer.

    PostgreSQL would cut it silently, so that two long names could become the same.
    """
    raw = name.encode()
    if len(raw) <= MAX_BYTES:
        return name
    mark = hashlib.sha256(raw).hexdigest()[:8]
    return raw[: MAX_BYTES - 9].decode(errors="ignore") + "_" + mark


def ident(*parts: str) -> str:
    """Return a quoted, dotted identifier: `ident("marts", "costs")` is `"marts"."costs"`."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str | None) -> str:
    """Return a quoted text, `null` for None (standard_conforming_strings is on)."""
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


def schema_of(version: str, repetition: int = 1) -> str:
    """Return the schema for the tables of a version: `ame_20261121t094606z_f52f8dbb`.

    `repetition` above 1 is for a version that was published again with other content.
    """
    base = PREFIX + re.sub(r"[^a-z0-9]+", "_", version.lower())
    return base if repetition == 1 else f"{base}_r{repetition}"
