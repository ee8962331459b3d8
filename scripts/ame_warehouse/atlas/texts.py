"""The texts of the atlas, Swedish and English, from one file; numbers in Swedish and English form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("sv", "en")
TEXTS_FILE = Path(__file__).with_name("texts.json")
THIN_SPACE = "\u202f"  # narrow and unbreakable
MINUS = "\u2212"


@cache
def all_texts() -> Mapping[str, Mapping[str, str]]:
    """Return every text by key, each with the languages `sv` and `en`."""
    body: dict[str, dict[str, str]] = json.loads(TEXTS_FILE.read_text(encoding="utf-8"))
    return body


def texts_of(language: str) -> dict[str, str]:
    """Return the texts of one language by key."""
    return {key: text[language] for key, text in all_texts().items()}


def text(language: str, key: str, **values: Any) -> str:
    """Return one text with its `{names}` filled in; raises `KeyError` for a key that nobody wrote."""
    found = all_texts()[key][language]
    for name, value in values.items():
        found = found.replace("{" + name + "}", str(value))
    return found


def number(value: float | None, language: str, decimals: int = 0) -> str:
    """Return a number for people: 1 234,5 in Swedish, 1,234.5 in English; an en dash for None."""
    if value is None:
        return "–"
    plain = f"{abs(value):,.{decimals}f}"
    if language == "sv":
        plain = plain.replace(",", THIN_SPACE).replace(".", ",")
    return (MINUS if round(value, decimals) < 0 else "") + plain
