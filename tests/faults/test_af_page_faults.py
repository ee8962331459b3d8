"""The index page on bad days: not there, moved, not the page, without the workbooks, elsewhere."""

import pytest
from af_bad_days import SOK, findings, in_use, name_of, rows, run

from ame_warehouse.arbetsformedlingen.download import SOURCE
from ame_warehouse.errors import SourceError, SourceUnavailableError
from ame_warehouse.landing.store import fetch_ids
from ame_warehouse.pipeline.ingest_af import fetch_af, parse_af
from ame_warehouse.sample.af_server import PAGE
from ame_warehouse.sample.faults import Fault


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (b"", "no links"),
        (b'{"moved": true}', "no links"),
        (b"<html><body><h1>Sidan har flyttat</h1></body></html>", "no links"),
    ],
)
def test_a_page_that_is_not_the_page_fails_clearly_and_marks_all_stale(settings, site, page, said):
    run(settings)
    site.page = page
    with pytest.raises(SourceError, match=said) as fault:
        fetch_af(settings)
    assert "AME_AF_URL" in str(fault.value)
    assert all(one["is_stale"] and one["outcome"] == "failed" for one in in_use(settings).values())
    parse_af(settings, [])
    assert rows(settings, "select count(*) from findings where kind = 'index_failed'") == [(1,)]
    site.page = None
    fetch, parsed = run(settings)
    assert fetch["changed"]
    assert parsed["observations"] == 0
    assert not any(one["is_stale"] for one in in_use(settings).values())


def test_a_page_that_has_moved_away(settings, server, site):
    server.faults = [Fault("status", match=PAGE, status=404)]
    with pytest.raises(SourceError, match="404"):
        fetch_af(settings)
    server.faults = [Fault("redirect", match=PAGE, location=f"{server.host}/new{PAGE}", times=1)]
    server.mounts["/new"] = site
    assert fetch_af(settings)["files"]["new"] == 4
    server.faults = [Fault("redirect", match=PAGE, location="http://example.invalid/")]
    with pytest.raises(SourceError, match="another host"):
        fetch_af(settings)
    server.faults = [Fault("redirect", match=PAGE, location=server.url())]
    with pytest.raises(SourceError, match="circle"):
        fetch_af(settings)


def test_a_page_of_links_without_the_workbooks_is_an_alarm_not_an_empty_load(settings, site):
    run(settings)
    site.page = b'<html><a href="/om-oss">Om oss</a></html>'
    fetch, _ = run(settings)
    assert fetch["files"] == {"missing": 7}
    assert all(one["is_stale"] for one in in_use(settings).values())
    assert sum(one["severity"] == "error" for one in findings(settings, "missing_file")) == 4


def test_an_unreachable_page_leaves_no_record(settings):
    run(settings)
    before = fetch_ids(settings.landing, SOURCE)
    gone = settings.model_copy(update={"af_url": "http://127.0.0.1:9/none"})
    with pytest.raises(SourceUnavailableError, match="connection refused"):
        fetch_af(gone)
    assert fetch_ids(settings.landing, SOURCE) == before
    fetch_af(settings)
    assert not list((settings.landing / SOURCE).glob(".partial-*"))


def test_rusta_och_matcha_is_looked_for_on_its_own_page(settings, server, site):
    site.rom_apart = True
    fetch, _ = run(settings)
    assert fetch["files"] == {"missing": 3, "new": 4}
    assert any("rusta-och-matcha" in path for path, _ in server.requests[:2])


def test_a_page_in_latin1(settings, site):
    site.encoding = "iso-8859-1"
    assert fetch_af(settings)["files"]["new"] == 4


def test_links_to_other_hosts_are_reported_and_not_followed(settings, server, site):
    del site.files[name_of(SOK)]
    site.extra = [f"https://example.invalid/{name_of(SOK)}", "javascript:void(0)", "http://[broken/x.xlsx"]
    run(settings)
    assert [one["found"] for one in findings(settings, "foreign_link")] == [
        "https://example.invalid, not followed"
    ]
    assert "sok_lan_kom" not in in_use(settings)
