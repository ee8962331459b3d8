"""AF on bad days: the last good files stay in use, are marked stale, and what came instead is said."""

import zipfile
from io import BytesIO

import pytest
from af_bad_days import BAS, SOK, TID, USED, body, files, findings, in_use, last, name_of, rows, run, spoiled

from ame_warehouse.arbetsformedlingen import http
from ame_warehouse.arbetsformedlingen.download import SOURCE
from ame_warehouse.arbetsformedlingen.objects import Workbooks
from ame_warehouse.errors import LandingError
from ame_warehouse.landing.store import read_requests
from ame_warehouse.pipeline.ingest_af import fetch_af, parse_af
from ame_warehouse.sample.af_cube import Cube
from ame_warehouse.sample.af_server import fixed, made
from ame_warehouse.sample.af_workbooks import sok_book, tid_book
from ame_warehouse.sample.af_xlsx import write
from ame_warehouse.sample.faults import Fault


def test_a_first_fetch_from_a_live_page(settings, server):
    fetch, parsed = run(settings)
    assert fetch["files"] == {"missing": 3, "new": 4}
    assert {one["dataset"] for one in in_use(settings).values()} == USED
    assert parsed["observations"] > 0
    assert {one["severity"] for one in findings(settings, "missing_file")} == {"warning"}
    requests = list(read_requests(settings.landing, fetch["fetch_ids"][0], SOURCE))
    assert len(requests) == fetch["requests"] == 5
    assert all(
        one["status"] == 200 and one["sha256"] and one["bytes"] and one["attempts"] == 1 for one in requests
    )
    for one in in_use(settings).values():
        kept = Workbooks(settings.landing).verified(one["file_sha256"], one["suffix"])
        assert kept.stat().st_size == one["bytes"]


def test_nothing_new_is_answered_with_304_and_changes_nothing(settings, server):
    run(settings)
    seen = len(server.requests)
    fetch, parsed = run(settings)
    assert [status for _, status in server.requests[seen:]] == [200, 304, 304, 304, 304]
    assert fetch["changed"] is False
    assert parsed["skipped"] == 1


def test_without_validators_the_checksum_decides(settings, server, site):
    site.validators = False
    run(settings)
    fetch, parsed = run(settings)
    assert [status for _, status in server.requests[-5:]] == [200] * 5
    assert fetch["changed"] is False
    assert parsed["observations"] == 0
    assert list((settings.landing / "objects" / ".incoming").iterdir()) == []


def test_new_addresses_for_the_same_files_change_nothing(settings, server, site):
    run(settings)
    site.files = dict(reversed(site.files.items()))  # the time stamps of the addresses change
    fetch, _ = run(settings)
    assert fetch["changed"] is False


def test_another_content_under_the_same_name_is_a_revision_and_both_are_kept(settings, site):
    run(settings)
    before = in_use(settings)["sok_lan_kom"]
    site.files[name_of(SOK)] = fixed(made(lambda path: write(path, sok_book(Cube("2023-09", "2023-11")))))
    run(settings)
    after = in_use(settings)["sok_lan_kom"]
    assert after["outcome"] == "new"
    assert after["file_sha256"] != before["file_sha256"]
    assert not after["is_stale"]
    assert len(findings(settings, "replaced_file")) == 1
    assert rows(
        settings, "select count(distinct file_sha256) from jobseekers where dataset = 'sok_lan_kom'"
    ) == [(2,)]
    for one in (before, after):
        Workbooks(settings.landing).verified(one["file_sha256"], "xlsx")


def test_going_back_to_an_earlier_content_stores_no_rows_again(settings, site):
    run(settings)
    first = in_use(settings)["sok_lan_kom"]
    site.files[name_of(SOK)] = fixed(made(lambda path: write(path, sok_book(Cube("2023-09", "2023-11")))))
    run(settings)
    site.files[name_of(SOK)] = fixed(body(SOK, "2023-11"))
    fetch, parsed = run(settings)
    assert fetch["changed"]
    assert in_use(settings)["sok_lan_kom"]["content_fetch_id"] == first["content_fetch_id"]
    assert parsed["observations"] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html><h1>Sidan finns inte</h1></html>", "a web page, not a workbook"),
        (b"", "the file is empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "encrypted or in the old binary format"),
        ("truncated", "truncated or damaged"),
        ("bomb", "zip bomb"),
        ("no cache", "visible sheet is a filter view"),
        ("other fields", "not as its layout says"),
    ],
)
def test_what_is_no_usable_workbook_is_refused(settings, site, content, said):
    run(settings)
    whole = body(SOK, "2023-11")
    made_up = {
        "truncated": lambda: whole[: len(whole) // 2],
        "bomb": bomb,
        "no cache": lambda: body(TID, "2023-11"),
    }
    made_up["other fields"] = lambda: body(BAS, "2023-11")
    site.files[name_of(SOK)] = fixed(content if isinstance(content, bytes) else made_up[content]())
    spoiled(settings, "refused", said)
    assert findings(settings, "refused_file")[0]["severity"] == "error"
    again = fetch_af(settings)
    assert again["changed"] is False, "the same refusal is said once"
    site.files[name_of(SOK)] = fixed(whole)
    fetch, parsed = run(settings)
    assert fetch["changed"]
    assert not any(one["is_stale"] for one in in_use(settings).values())
    assert parsed["observations"] == 0


def bomb():
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(300):
                part.write(bytes(1 << 20))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["reset", "truncate", "chunk_abort", "stall"])
def test_a_broken_transfer_is_tried_again_and_then_failed(settings, server, site, kind):
    run(settings)
    site.files[name_of(SOK)] = fixed(body(SOK, "2023-11") + b"")
    site.validators = False
    server.faults = [Fault(kind, match=SOK, seconds=3.0)]
    spoiled(settings, "failed", "")
    record = [
        one for one in read_requests(settings.landing, last(settings)["fetch_id"], SOURCE) if one["error"]
    ]
    assert [one["attempts"] for one in record] == [2]
    server.faults = [Fault(kind, match=SOK, seconds=3.0, times=1)]
    fetch_af(settings)
    assert not in_use(settings)["sok_lan_kom"]["is_stale"], (
        "one broken transfer is made up for by the next attempt"
    )


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (403, 1), (500, 2), (503, 2), (429, 2)])
def test_a_status_of_refusal_is_said(settings, server, site, status, attempts):
    run(settings)
    server.faults = [Fault("status", match=SOK, status=status)]
    spoiled(settings, "failed", f"status {status}")
    record = [
        one for one in read_requests(settings.landing, last(settings)["fetch_id"], SOURCE) if one["error"]
    ]
    assert [one["attempts"] for one in record] == [attempts]


def test_a_failed_download_does_not_forget_the_validators(settings, server):
    run(settings)
    server.faults = [Fault("status", match=SOK, status=503)]
    fetch_af(settings)
    server.faults = []
    seen = len(server.requests)
    fetch_af(settings)
    assert [status for _, status in server.requests[seen:]] == [200, 304, 304, 304, 304]


def test_a_slow_server_is_given_up_in_time(settings, server, site, monkeypatch):
    run(settings)
    site.validators = False
    monkeypatch.setattr(http, "WHOLE_SECONDS", 60.0)  # × timeout / 60 = 2 s
    server.faults = [Fault("drip", match=SOK)]
    spoiled(settings, "failed", "no whole answer within 2 s")


def test_a_file_above_the_limit_is_not_taken(settings, server, site, monkeypatch):
    monkeypatch.setattr(
        http.Limits, "of", classmethod(lambda cls, _: cls(attempts=1, backoff_s=0, file_bytes=1000))
    )
    fetch, _ = run(settings)
    assert fetch["files"] == {"failed": 4, "missing": 3}
    assert "larger than allowed" in last(settings)["files"][0]["error"]


def test_a_link_that_vanished(settings, site):
    run(settings)
    del site.files[name_of(SOK)]
    spoiled(settings, "missing", "the page links no web-sok-lan-kom-YYYY-MM.xlsx")
    (note,) = [one for one in findings(settings, "missing_file") if one["detail"] == "sok_lan_kom"]
    assert note["severity"] == "error"


def test_a_release_out_of_step_keeps_the_older_release_until_it_is_whole(settings, site):
    run(settings)
    site.files = files("2023-12", bas="2023-11")
    run(settings)
    used = {slot: (one["period_last"], one["outcome"]) for slot, one in in_use(settings).items()}
    assert used["sok_lan_kom"] == ("2023-11", "held")
    assert used["tid_utan_arbete_lan_kom"] == ("2023-11", "held")
    assert used["andel_av_bas"] == ("2023-11", "unchanged")
    assert used["rusta_och_matcha/2023-12"] == ("2023-12", "new")
    assert len(findings(settings, "out_of_step")) == 1
    assert rows(settings, "select max(period) from jobseekers") == [("2023-11",)]
    assert fetch_af(settings)["changed"] is False
    site.files = files("2023-12")
    run(settings)
    assert {one["period_last"] for slot, one in in_use(settings).items() if "rusta" not in slot} == {
        "2023-12"
    }
    assert rows(settings, "select max(period) from jobseekers") == [("2023-12",)]
    assert not findings(settings, "out_of_step")


def test_drift_is_named_in_the_findings(settings, site):
    run(settings)
    broken = made(lambda path: write(path, tid_book(Cube("2023-10", "2023-11"))))
    parts = {}
    with zipfile.ZipFile(BytesIO(broken)) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode()
            parts[name] = text.replace("UTBILDNINGSNIVÅ", "STUDIENIVÅ_2024").replace("mer än 24", "mer än 36")
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    site.files[name_of(TID)] = fixed(out.getvalue())
    spoiled(settings, "refused", "STUDIENIVÅ_2024", "tid_utan_arbete_lan_kom")
    named = {one["expected"] for one in findings(settings, "renamed_column")}
    assert "Utbildningsnivå: UTBILDNING" in named
    assert "Total: UA24" in named
    assert rows(settings, "select count(*) from findings where kind = 'renamed_column'")[0][0] >= 2


def test_a_workbook_that_breaks_while_it_is_parsed_falls_back(settings, site):
    """A file can pass the check at the door and still hold a damaged record: the last good one stays in
    use.
    """
    run(settings)
    good = in_use(settings)["sok_lan_kom"]
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(body(SOK, "2023-11"))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(
                name, content.replace(b'<x v="0"/>', b'<x v="99999"/>') if "Records" in name else content
            )
    site.files[name_of(SOK)] = fixed(out.getvalue())
    fetch, _ = run(settings)
    assert fetch["changed"]
    (row,) = rows(
        settings,
        "select outcome, is_stale, file_sha256, content_fetch_id from files where dataset = 'sok_lan_kom' "
        "order by fetch_id desc limit 1",
    )
    assert row == ("refused", True, good["file_sha256"], good["content_fetch_id"])
    assert rows(
        settings, "select count(distinct file_sha256) from jobseekers where dataset = 'sok_lan_kom'"
    ) == [(1,)]
    assert rows(settings, "select count(*) from findings where kind = 'refused_file'") == [(1,)]
    del site.files[name_of(TID)]
    run(settings)
    (row,) = rows(
        settings,
        "select outcome, is_stale from files where dataset = 'sok_lan_kom' order by fetch_id desc limit 1",
    )
    assert row == ("refused", True)


NEWEST = (
    "select outcome, is_stale, file_sha256 from files where dataset = 'sok_lan_kom' "
    "order by fetch_id desc limit 1"
)
COUNT = "select count(*), count(distinct fetch_id) from jobseekers where dataset = 'sok_lan_kom'"


@pytest.mark.parametrize("is_cut", [True, False], ids=["cut", "a byte changed"])
@pytest.mark.parametrize("has_validators", [True, False], ids=["304", "200"])
def test_a_stored_workbook_that_is_damaged_falls_back_and_is_fetched_again(
    settings, site, is_cut, has_validators
):
    site.validators = has_validators
    run(settings)
    good = in_use(settings)["sok_lan_kom"]
    site.files[name_of(SOK)] = fixed(made(lambda path: write(path, sok_book(Cube("2023-09", "2023-11")))))
    fetch = fetch_af(settings)
    newer = in_use(settings)["sok_lan_kom"]
    path = Workbooks(settings.landing).path(newer["file_sha256"], "xlsx")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100] if is_cut else whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    parse_af(settings, fetch["fetch_ids"])
    assert rows(settings, NEWEST) == [("refused", True, good["file_sha256"])]
    (finding,) = rows(settings, "select severity, detail from findings where kind = 'damaged_file'")
    assert finding[0] == "error"
    assert str(path) in finding[1]
    assert rows(settings, COUNT)[0][1] == 1

    fetch, parsed = run(settings)  # it is not what its name says: it is fetched again
    assert fetch["changed"]
    assert parsed["observations"] > 0
    assert path.read_bytes() == whole
    assert rows(settings, NEWEST) == [("unchanged", False, newer["file_sha256"])]
    before = rows(settings, COUNT)
    assert before[0][1] == 2
    del site.files[name_of(TID)]
    run(settings)
    assert rows(settings, COUNT) == before, "its rows are stored once"
    assert rows(settings, NEWEST)[0][1] is False
    assert run(settings)[0]["changed"] is False


def test_the_only_stored_workbook_is_damaged(settings):
    fetch = fetch_af(settings)
    path = Workbooks(settings.landing).path(in_use(settings)["sok_lan_kom"]["file_sha256"], "xlsx")
    path.unlink()
    parse_af(settings, fetch["fetch_ids"])
    assert rows(settings, NEWEST) == [("refused", False, None)]
    assert rows(settings, COUNT) == [(0, 0)]
    run(settings)
    assert rows(settings, COUNT)[0][0] > 0


def test_an_unknown_fetch_and_a_landing_that_cannot_be_written(settings):
    with pytest.raises(LandingError, match="not in the landing"):
        parse_af(settings, ["20200101T000000000000Z-000000"])
    settings.landing.mkdir(parents=True, exist_ok=True)
    (settings.landing / SOURCE).write_text("in the way")
    with pytest.raises(LandingError, match="cannot be written"):
        fetch_af(settings)
