"""Every word that a page may need is there in both languages; what the marts name by a code has a word."""

from __future__ import annotations

import re

from tests.atlas.conftest import Atlas

from ame_warehouse.atlas import texts
from ame_warehouse.atlas.pages import jobseekers
from ame_warehouse.atlas.site import FOLDER

COMPOSED = ("referrals", "enrolment_length", "time_without_work", "education", "age")
# Words that are the same in both languages: names, signs and the required source line.
KEPT = re.compile(
    r"\{\w+\}|i\.u\.|Källa|egen beräkning|riket|inte lämnat|Arbetsförmedlingen|Försäkringskassan"
)
SWEDISH = re.compile(r"[åäöÅÄÖ]|\b(och|inte|som|till|uppgift|kommun)\b")
ENGLISH = re.compile(r"\b(the|and|of|with|are|from|not)\b")


def test_everything_that_has_a_code_has_a_word(atlas: Atlas) -> None:
    known = texts.all_texts()
    named = atlas.sql("select distinct unit, topic, category_id, mart from marts.dim_measure")
    assert {row["unit"] for row in named if f"unit.name.{row['unit']}" not in known} == set()
    assert {row["topic"] for row in named if f"topic.{row['topic']}" not in known} == set()
    parts = {(row["topic"], row["category_id"]) for row in named if row["topic"] in COMPOSED}
    assert {part for part in parts if part[1] and "category.{}.{}".format(*part) not in known} == set()
    for source in ("gaps", "gaps_monthly"):
        reasons = atlas.sql(f"select distinct missing_reason as reason from quality.{source}")
        assert {f"missing.text.{row['reason']}" for row in reasons} <= set(known)
    assert {f"measure.short.{measure}" for measure in jobseekers.DRAWN} <= set(known)


def test_breaks_and_events_are_told_in_both_languages(atlas: Atlas) -> None:
    for row in atlas.sql("select note, note_sv from marts.dim_series_break"):
        assert not SWEDISH.search(row["note"])
        assert row["note_sv"] != row["note"]


def test_no_text_is_in_the_other_language() -> None:
    for key in texts.all_texts():
        english, swedish = (KEPT.sub("", texts.text(language, key)) for language in ("en", "sv"))
        assert not SWEDISH.search(english), (key, english)
        assert not ENGLISH.search(swedish), (key, swedish)


def test_every_text_is_used_and_every_one_asked_for_is_written() -> None:
    written = set(texts.all_texts())
    files = [path for path in FOLDER.rglob("*") if path.suffix in {".js", ".html", ".py"}]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files if "vendor" not in path.parts)
    named = set(re.findall(r"""["'`]([a-z_]+(?:\.\w+)+)["'`]""", code))
    beginnings = tuple(re.findall(r"""["'`]((?:[a-z_]+\.)+)(?:\$\{|["'] ~|\{)""", code))
    asked = set(re.findall(r"""\bt\(["'`]([\w.]+\w)["'`]""", code))
    assert asked - written == set()
    assert {key for key in written - named if not key.startswith(beginnings)} == set()
