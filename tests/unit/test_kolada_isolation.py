"""What fails within a fetch fails alone; what cannot go on ends readably."""

from __future__ import annotations

from typing import Any

import pytest
from kolada_calls import KPIS, errors, fetch, outcomes
from tests.conftest import MakeSettings, Serve

from ame_warehouse.errors import SourceError, SourceUnavailableError
from ame_warehouse.landing.store import fetch_ids
from ame_warehouse.pipeline.ingest import fetch_kolada
from ame_warehouse.sample.dataset import Dataset, value
from ame_warehouse.sample.faults import Fault
from ame_warehouse.sample.server import KoladaServer


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_one_failing_kpi_fails_alone(
    number: int, make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    guilty = KPIS[number - 1]
    server = serve(small, Fault("status", match=guilty, status=500))
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_connections=1)
    record = fetch(settings)
    assert outcomes(record) == {kpi: "failed" if kpi == guilty else "complete" for kpi in KPIS}
    assert "status 500" in errors(record)[guilty]
    asked = [target for target in server.requests if guilty in target]
    assert len(asked) <= 3 + 2 + 2, "not asked for again once it failed"
    assert {one["n_records"] for one in record["measures"] if one["kpi_id"] != guilty} <= {580, 582}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=422),
        Fault("status", status=404),
        Fault("truncate"),
        Fault("oversize", size=2_000_000),
        Fault("count_wrong"),
        Fault("not_json"),
        Fault("reset"),
    ],
    ids=lambda fault: fault.kind,
)
def test_any_lasting_fault_of_one_kpi_is_isolated(
    fault: Fault, make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    fault.match = "U40806"
    settings = make_settings(
        sources="live", kolada_url=serve(small, fault).url(), kolada_attempts=2, kolada_max_mb=1
    )
    assert outcomes(fetch(settings, places=["1480"])) == {
        "N01951": "complete",
        "N40011": "complete",
        "U40800": "complete",
        "U40806": "failed",
    }


@pytest.mark.parametrize("kind", ["repeat_page", "skip_page", "reorder", "shift", "empty", "count_wrong"])
def test_a_page_set_that_does_not_add_up_once_is_fetched_again(
    kind: str, make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small, Fault(kind, match="/data/", page=2, times=1), per_page=20)
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_connections=1)
    record = fetch(settings, places=["G96190"])
    assert server.faults[0].hits == 1
    assert {one["n_records"] for one in record["measures"]} == {26, 28}
    assert set(outcomes(record).values()) == {"complete"}
    notes = [one for one in record["findings"] if one["kind"] == "page_set"]
    assert len(notes) == 1
    assert "the first answer was not used" in notes[0]["found"]


@pytest.mark.parametrize("kind", ["repeat_page", "reorder", "shift", "count_wrong"])
def test_a_page_set_that_never_adds_up_fails_its_measures_only(
    kind: str, make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small, Fault(kind, match="U40806", page=2), per_page=12)
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_connections=1)
    record = fetch(settings, places=["G96190"])
    assert outcomes(record) == {
        "N01951": "complete",
        "N40011": "complete",
        "U40800": "complete",
        "U40806": "failed",
    }
    assert "do not add up, twice" in errors(record)["U40806"]


def test_pages_without_end_are_bounded(make_settings: MakeSettings, small: Dataset, serve: Serve) -> None:
    def endless(envelope: dict[str, Any]) -> dict[str, Any]:
        return envelope | {"next_url": "http://127.0.0.1/again"}

    server = serve(small, Fault("change", match="/data/", change=endless))
    settings = make_settings(sources="live", kolada_url=server.url(), kolada_connections=1)
    with pytest.raises(SourceError, match="no measure could be fetched"):
        fetch(settings, ["U40800"], places=["1480"])
    assert len(server.requests) < 20


def test_an_empty_answer_where_values_were_fails_that_measure(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    first = fetch(settings)
    small.drop("U40800", "1480")
    second = fetch(settings)
    assert set(outcomes(second).values()) == {"complete"}, "one place of 25 may go away"
    for place in [place for _, place, _ in list(small.cells) if place.startswith("14")]:
        small.drop("U40800", place)
    third = fetch(settings)
    assert outcomes(third)["U40800"] == "failed"
    assert "earlier fetch had values there" in errors(third)["U40800"]
    assert [kpi for kpi, outcome in outcomes(third).items() if outcome == "complete"] == [
        "N01951",
        "N40011",
        "U40806",
    ]
    assert first["fetch_id"] < second["fetch_id"] < third["fetch_id"]


def test_what_was_asked_for_twice_and_is_gone_is_not_missed_again(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    usual = fetch(settings)["n_requests"]
    small.drop("U40800", "1480")
    assert fetch(settings)["n_requests"] == usual + 1, "is it gone, or was it a slip?"
    assert fetch(settings)["n_requests"] == usual, "it is gone: nobody is asked for it again and again"
    small.drop("U40800", "1440")
    assert fetch(settings)["n_requests"] == usual + 1, "another one is missed all the same"


def test_an_empty_answer_outside_what_was_held_is_no_fault(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    settings = make_settings(sources="live", kolada_url=serve(small).url())
    fetch(settings, ["U40800"], places=["1480"])
    assert outcomes(fetch(settings, ["U40800"], places=["1480"], years=[1999])) == {"U40800": "empty"}
    small.drop("U40800")
    with pytest.raises(SourceError, match="earlier fetch had values"):
        fetch(settings, ["U40800"], places=["1480"])
    gone = [value(gender, None, "Missing", deleted=True) for gender in "KMT"]
    small.put("U40800", "1480", 2021, gone)
    small.put("U40800", "1480", 2022, gone)
    assert outcomes(fetch(settings, ["U40800"], places=["1480"])) == {"U40800": "complete"}
    small.drop("U40800")
    assert outcomes(fetch(settings, ["U40800"], places=["1480"])) == {"U40800": "empty"}, "withdrawn before"


def test_an_answer_to_another_question_is_not_taken(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    def another(envelope: dict[str, Any]) -> dict[str, Any]:
        moved = [one | {"municipality": "0114"} for one in envelope["values"][:1]]
        return envelope | {"values": moved, "count": len(moved)}

    server = serve(small, Fault("change", match="U40806/municipality", change=another))
    settings = make_settings(sources="live", kolada_url=server.url())
    record = fetch(settings, ["U40800", "U40806"], places=["1480"])
    assert outcomes(record) == {"U40800": "complete", "U40806": "failed"}
    assert "none of the 1 records belongs" in errors(record)["U40806"]


def test_refused_connection_ends_the_fetch_at_once(make_settings: MakeSettings, small: Dataset) -> None:
    with KoladaServer(small) as server:
        url = server.url()
    settings = make_settings(sources="live", kolada_url=url)
    with pytest.raises(SourceUnavailableError) as caught:
        fetch(settings)
    assert "connection refused" in str(caught.value)
    assert "AME_KOLADA_URL" in str(caught.value)
    assert fetch_ids(settings.landing) == []


def test_a_source_that_goes_away_in_the_middle_ends_the_fetch(
    make_settings: MakeSettings, small: Dataset
) -> None:
    with KoladaServer(small) as server:
        settings = make_settings(sources="live", kolada_url=server.url(), kolada_connections=1)

        def leave(done: int, total: int, label: str) -> None:
            if done == 6 and server._http is not None:
                server._http.shutdown()
                server._http.server_close()
                server.closing.set()
                server._http = None

        server.faults.append(Fault("reset", at=range(8, 10_000)))
        with pytest.raises(SourceError):
            fetch_kolada(settings, KPIS, None, None, progress=leave)
    assert fetch_ids(settings.landing) == []


def test_when_the_source_goes_away_in_mid_fetch_what_is_whole_is_kept(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    chosen = sorted({kpi["id"] for kpi in small.kpis})[:75]  # three questions of 25 KPIs
    first_data = 4  # after the catalogue, the places and the groups
    server = serve(small, Fault("reset", at=range(first_data + 1, 100_000)))
    settings = make_settings(
        sources="live", kolada_url=server.url(), kolada_connections=1, kolada_attempts=1, kolada_backoff=0
    )
    record = fetch(settings, chosen, places=["1480", "1440"])
    ended = list(outcomes(record).values())
    assert (len(ended), ended.count("failed")) == (75, 50)
    assert sum("stopped answering before this measure was whole" in e for e in errors(record).values()) > 1
    assert len(server.requests) < 100


def test_a_source_that_answers_no_data_is_given_up(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small, Fault("status", match="/data/", status=503))
    settings = make_settings(sources="live", kolada_url=server.url())
    with pytest.raises(SourceUnavailableError, match="answers no question about data") as caught:
        fetch_kolada(settings, None, None, None)
    assert "status 503" in str(caught.value)
    assert len(server.requests) < 200
    assert fetch_ids(settings.landing) == []


def test_when_all_measures_fail_it_is_an_error(
    make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small, Fault("status", match="/data/", status=422))
    settings = make_settings(sources="live", kolada_url=server.url())
    with pytest.raises(SourceError, match="no measure could be fetched") as caught:
        fetch(settings)
    assert "status 422" in str(caught.value)
    assert fetch_ids(settings.landing) == []


@pytest.mark.parametrize(
    ("prefix", "fault", "says"),
    [
        ("/v2", None, "does not answer as Kolada API v3 does"),
        ("/v3", Fault("html"), "HTML"),
        ("/v3", Fault("envelope"), "found the keys data, total"),
        ("/v3", Fault("status", status=503), "gave no usable answer"),
        ("/v3", Fault("change", change=lambda page: page | {"values": [], "count": 0}), "knows none"),
    ],
)
def test_a_catalogue_that_cannot_be_used_is_fatal_and_readable(
    *, prefix: str, fault: Fault | None, says: str, make_settings: MakeSettings, small: Dataset, serve: Serve
) -> None:
    server = serve(small, *([fault] if fault else []))
    settings = make_settings(sources="live", kolada_url=server.url(prefix))
    with pytest.raises(SourceError) as caught:
        fetch(settings)
    assert says in str(caught.value)
    assert "AME_KOLADA_URL" in str(caught.value) or "run again later" in str(caught.value)
    assert fetch_ids(settings.landing) == []
    assert not any("/data/" in target for target in server.requests)


def test_live_never_falls_back_to_the_sample(make_settings: MakeSettings) -> None:
    settings = make_settings(sources="live", kolada_url="http://127.0.0.1:9/v3", kolada_attempts=1)
    with pytest.raises(SourceUnavailableError):
        fetch(settings)
    assert not (settings.observations).exists()
