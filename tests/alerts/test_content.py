"""What arrives: every field of an alert, in mail (text and HTML) and at a webhook."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from receivers import MailServer, Webhook, parts
from simulated import HARRYDA, Runs, check, publish
from typer.testing import CliRunner

from ame_warehouse.cli.main import app
from ame_warehouse.settings import Settings

Home = Callable[..., Settings]
FIELDS = {
    "Municipality": "Härryda (1401)",
    "Measure": "education_5",
    "Year": "2020",
    "Expected": "a sum between 99 and 101 %",
    "Found": "sum_not_100 108.0 %; composition_status sum_not_100",
    "Source": "kolada, fetched 2026-02-27",
    "Readers see": "version v7, as of 2026-02-27T00:00:00Z: the shares as delivered; comparisons fall "
    "back to the nearest earlier complete year",
    "Who acts": "data_steward",
    "What to do": "Ask the municipality.",
    "Failing rows": "ame incidents rows INC-0001",
}


def fields(text: str) -> dict[str, str]:
    """Return the fields of the first section of a plain text."""
    lines = [line.strip() for line in text.split("\n\n", maxsplit=1)[0].splitlines()[1:]]
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_every_field_arrives_by_mail_and_at_the_webhook(home: Home, mail: MailServer, hook: Webhook) -> None:
    outcome = Runs(home(mail.url, hook.url)).run(check())
    assert (outcome.arrived, outcome.failed, outcome.waiting) == (2, {}, 0)
    (post,) = hook.posts
    assert post["title"] == "[ame] WARNING compositions_sum_100 new: Härryda (1401) (INC-0001)"
    assert post["type"] == "warning"
    found = fields(post["message"])
    assert found.items() >= FIELDS.items()
    sentence = "Does not hold: All parts of a composition are 100 per cent."
    assert found["What"] == f"{sentence} Fails: 1 of 146 rows."
    assert post["message"].startswith("INC-0001 compositions_sum_100 (warning) new")

    (letter,) = mail.mails
    assert letter["Subject"] == post["title"]
    assert "drift@example.se" in letter["To"]
    text, html = parts(letter)
    for name, value in FIELDS.items():
        assert f">{name}:</th><td>{value}</td>" in html, name
        assert value in " ".join(text.split()), name


def test_what_comes_from_data_cannot_become_html_or_a_header(home: Home, mail: MailServer) -> None:
    evil = ("1401", "Härryda <b>\r\nBcc: x@y.se", "education_5", 2020, "<script>alert(1)</script>")
    Runs(home(mail.url)).run(check(message='5 < 6 & "7"\r\nX-Evil: 1', found="<img src=x>"), rows=(evil,))
    (letter,) = mail.mails
    _, html = parts(letter)
    assert "<script>" not in html and "<img" not in html and "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html and "5 &lt; 6 &amp;" in html
    assert letter["Bcc"] is None and letter["X-Evil"] is None


def test_one_cause_in_many_municipalities_is_one_entry(home: Home, hook: Webhook) -> None:
    many = tuple((f"{1400 + i}", f"Kommun Å{i}", "education_5", 2020, "0 %") for i in range(60))
    Runs(home(hook.url)).run(check(failing_rows=60, found="60 rows"), rows=many)
    (post,) = hook.posts
    assert post["title"].endswith("Kommun Å0 (1400) and 59 more (INC-0001)")
    assert post["message"].count("Municipality:") == 1
    assert "Kommun Å7 (1407) and 52 more" in post["message"]


def test_measures_that_fail_alike_share_an_entry(home: Home, hook: Webhook) -> None:
    rows = tuple(("1401", "Härryda", measure, 2022, "0 %") for measure in ("a_share", "b_share"))
    Runs(home(hook.url)).run(check(found="2 rows"), rows=rows)
    assert fields(hook.posts[0]["message"])["Measure"] == "a_share, b_share"


def test_warnings_are_one_digest_and_errors_come_alone(home: Home, hook: Webhook) -> None:
    warnings = [check(f"warning_{i}") for i in range(40)]
    Runs(home(hook.url)).run(*warnings, check("error_1", severity="error"), rows=(HARRYDA,))
    titles = sorted(post["title"] for post in hook.posts)
    assert len(titles) == 2
    assert titles[0].startswith("[ame] ERROR error_1 new: Härryda (1401)")
    assert titles[1].startswith("[ame] WARNING 40 warnings: warning_0, ")
    digest = next(post for post in hook.posts if "40 warnings" in post["title"])
    assert digest["message"].count("Readers see:") == 25
    assert "… and 15 more" in digest["message"]


def test_many_incidents_of_one_check_are_one_entry_with_a_line_each(home: Home, hook: Webhook) -> None:
    """A late delivery: sixty municipalities are silent, and the other warning of the run is still seen."""
    runs = Runs(home(hook.url))
    rows = tuple((f"{1400 + i}", f"Kommun Å{i}", "education_5", 2020, "i.u.") for i in range(60))
    silent = check("gaps_new", scopes={f"Kommun Å{i}": "i.u." for i in range(60)}, max_scopes=100)
    runs.run(silent, check(), rows=rows)
    (post,) = hook.posts
    assert post["title"] == "[ame] WARNING 61 warnings: gaps_new, compositions_sum_100"
    entry = next(part for part in post["message"].split("\n\n") if part.startswith("gaps_new"))
    assert entry.startswith("gaps_new (warning) new: 60 incidents")
    lines = [line.split(":", 1) for line in entry.splitlines() if line.strip().startswith("INC-")]
    assert len(lines) == 40
    assert lines[0][1].split() == [
        *["Kommun", "Å0", "(1400)", "2020", "education_5:", "sum_not_100", "i.u.;"],
        *["composition_status", "sum_not_100"],
    ]
    found = {line.split(":")[0].strip(): line.split(":", 1)[1].strip() for line in entry.splitlines()[1:]}
    assert found["…"].startswith("and 20 more, up to INC-00")
    assert found["Who acts"] == "data_steward" and found["What to do"] == "Ask the municipality."
    assert found["Readers see"] and found["Source"] == "kolada, fetched 2026-02-27"
    assert found["Failing rows"].startswith("ame incidents rows INC-")
    assert post["message"].count("Who acts:") == 2

    runs.run(check("gaps_new", status="passed", found="none"), check(), rows=rows)
    gone = hook.posts[-1]
    assert gone["title"] == "[ame] RESOLVED 60 resolved: gaps_new"
    assert gone["message"].startswith("gaps_new (warning) is resolved: 60 incidents")
    assert gone["message"].count("INC-") == 40 + 1


def test_many_errors_at_once_are_one_message(home: Home, hook: Webhook) -> None:
    Runs(home(hook.url)).run(*[check(f"error_{i}", severity="error") for i in range(6)])
    (post,) = hook.posts
    assert post["title"].startswith("[ame] ERROR 6 errors: error_0, error_1")
    assert post["type"] == "failure"


def test_readers_are_said_to_see_the_stale_version_or_the_gap(home: Home, hook: Webhook) -> None:
    settings = home(hook.url)
    publish(settings, stale=True, stale_since="2026-03-01T04:00:00Z")
    Runs(settings).run(check(severity="error"))
    seen = fields(hook.posts[0]["message"])["Readers see"]
    assert (
        seen
        == "the last good version v7, as of 2026-02-27T00:00:00Z, marked stale since 2026-03-01T04:00:00Z"
    )
    (settings.published / "manifest.json").unlink()
    Runs(settings).run(check("other", severity="error"))
    assert fields(hook.posts[1]["message"])["Readers see"] == "nothing: no version is published yet"


def test_an_incident_without_rows_says_so(home: Home, hook: Webhook) -> None:
    settings = home(hook.url)
    publish(settings, sources={"kolada": {"fetched_at": "2026-02-27T00:00:00Z"}})
    Runs(settings).run(check("source_silent", found="no fetch", expected="a fetch"), rows=())
    found = fields(hook.posts[0]["message"])
    assert found["Municipality"] == "not of one municipality"
    assert (found["Expected"], found["Found"]) == ("a fetch", "no fetch")
    assert found["Source"] == "kolada, fetched 2026-02-27"
    assert found["Failing rows"] == "ame incidents show INC-0001"


def test_the_command_of_the_alert_shows_the_rows_to_a_person(
    home: Home, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds for all stands once, a line per row has few columns, and many rows are cut with a word."""
    many = tuple((f"{1400 + i}", f"Kommun {i}", "education_5", 2020, "108.0 %") for i in range(45))
    settings = home(hook.url)
    Runs(settings).run(check(failing_rows=45, found="45 of 146 rows"), rows=many)
    monkeypatch.setenv("AME_HOME", str(settings.home))
    (post,) = hook.posts
    command = fields(post["message"])["Failing rows"].removeprefix("ame ").split()

    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    head, what, who, table, *body = [line.strip() for line in done.output.splitlines() if line.strip()]
    assert head == "INC-0001 compositions_sum_100: 45 failing rows"
    assert what == "what      Does not hold: All parts of a composition are 100 per cent."
    assert who == "who acts  data_steward: Ask the municipality."
    assert table.startswith("table     quality.failing_compositions_sum_100 in ")
    assert body[0].split() == ["municipality", "measure", "year", "also"]
    assert " ".join(body[2].split()).startswith("Kommun 0 (1400) education_5 2020 sum_not_100 108.0 %")
    assert len(body) == 2 + 40 + 1
    assert body[-1] == "… and 5 more: --json gives all, with every column"
