"""The loopback server keeps to the contract of Kolada v3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from ame_warehouse.sample.dataset import Dataset, kpi_record, value
from ame_warehouse.sample.server import KoladaServer
from ame_warehouse.settings import Settings

ENVELOPE = {"values", "next_url", "previous_url", "count"}


@pytest.fixture
def server(small: Dataset) -> Any:
    with KoladaServer(small) as running:
        yield running


def get(server: KoladaServer, path: str, **params: Any) -> requests.Response:
    return requests.get(server.url() + path, params=params, timeout=30)


def test_every_route_answers_with_the_four_keys(server: KoladaServer) -> None:
    for path in (
        "/kpi",
        "/kpi/U40800,N01951",
        "/municipality",
        "/municipality/1480",
        "/municipality_groups",
        "/municipality_groups/G96190",
        "/kpi_groups",
        "/data/kpi/U40800/municipality/1480/year/2022",
        "/data/kpi/U40800/municipality/1480",
        "/data/kpi/U40800/year/2022",
        "/data/municipality/1480/year/2022",
        "/data/?kpi_id=U40800&municipality_id=1480",
    ):
        answer = get(server, path)
        assert answer.status_code == 200, path
        assert set(answer.json()) == ENVELOPE
        assert "application/json" in answer.headers["content-type"]
    assert get(server, "/kpi_groups").json()["values"] == []


def test_unknown_routes_are_404_and_only_get_is_served(server: KoladaServer) -> None:
    for path in ("/data/kpi/U40800", "/elsewhere", "/data/year/2022", "/kpi/U40800/more"):
        assert get(server, path).status_code == 404, path
    assert requests.get(server.url("/v2") + "/kpi", timeout=30).status_code == 404
    assert requests.post(server.url() + "/kpi", timeout=30).status_code == 501


def test_lists_and_pages_are_limited(server: KoladaServer) -> None:
    ids = ",".join(f"{n:04d}" for n in range(26))
    assert get(server, f"/data/kpi/U40800/municipality/{ids}").status_code == 422
    assert get(server, "/data/", kpi_id="U40800", municipality_id=ids.split(",")).status_code == 422
    assert get(server, "/kpi", per_page=5001).status_code == 422
    assert "per_page" in get(server, "/kpi", per_page=5001).json()["detail"]
    assert get(server, "/kpi", per_page=5000).status_code == 200


def test_pages_are_numbered_from_one_and_end_with_null(server: KoladaServer) -> None:
    seen: list[str] = []
    url: str | None = server.url() + "/municipality?per_page=100"
    sizes = []
    while url:
        page = requests.get(url, timeout=30).json()
        sizes.append(page["count"])
        assert page["count"] == len(page["values"])
        seen += [one["id"] for one in page["values"]]
        url = page["next_url"]
    assert sizes == [100, 100, 100, 12]
    assert len(set(seen)) == 312
    assert seen[0] == "0000"
    second = get(server, "/municipality", per_page=100, page=2).json()
    assert "page=1" in second["previous_url"]


def test_empty_200_traps(server: KoladaServer) -> None:
    for path in (
        "/kpi/N99999",
        "/data/kpi/N99999/municipality/1480",
        "/data/kpi/U40800/municipality/9999",
        "/data/kpi/U40800/municipality/1480/year/2050",
        "/data/?kpi=U40800&municipality_id=1480",
    ):
        assert get(server, path).json() == {
            "values": [],
            "next_url": None,
            "previous_url": None,
            "count": 0,
        }, path


def test_search_and_region_type(server: KoladaServer) -> None:
    assert [one["id"] for one in get(server, "/municipality", title="linköping").json()["values"]] == ["0580"]
    assert get(server, "/municipality", region_type="K").json()["count"] == 290
    assert get(server, "/municipality", region_type="region").json()["count"] == 22


def test_path_and_parameters_say_the_same(server: KoladaServer) -> None:
    by_path = get(server, "/data/kpi/U40800,N01951/municipality/1480,0114/year/2022").json()["values"]
    by_query = get(
        server, "/data/", kpi_id=["U40800", "N01951"], municipality_id=["1480", "0114"], year=2022
    ).json()["values"]
    assert by_path == by_query
    assert len(by_path) == 4


def test_unfiltered_routes_hold_groups_as_unweighted_means() -> None:
    dataset = Dataset(
        [kpi_record("U40800", "Deltagare")],
        [{"id": "0001", "title": "A", "type": "K"}],
        [
            {
                "id": "G1",
                "title": "Grupp",
                "members": [{"member_id": place, "member_title": ""} for place in ("0001", "0002", "0003")],
            }
        ],
    )
    dataset.put("U40800", "0001", 2022, [value("T", 10.0)])
    dataset.put("U40800", "0002", 2022, [value("T", 30.0)])
    dataset.put("U40800", "0003", 2022, [value("T", None, "Missing")])
    with KoladaServer(dataset) as server:
        rows = get(server, "/data/kpi/U40800/year/2022").json()["values"]
        asked = get(server, "/data/kpi/U40800/municipality/G1").json()["values"]
        alone = get(server, "/data/kpi/U40800/municipality/0001").json()["values"]
    assert [row["municipality"] for row in rows] == ["0001", "0002", "0003", "G1"]
    assert rows[-1]["values"] == [
        {"gender": "T", "count": 2, "status": "", "value": 20.0, "isdeleted": False}
    ]
    assert asked == [rows[-1]]
    assert [row["municipality"] for row in alone] == ["0001"]


def test_records_have_the_recorded_shape(server: KoladaServer, recorded: Path) -> None:
    real = json.loads((recorded / "v3-recorded-2025-10" / "data-4d88b7.json").read_text(encoding="utf-8"))
    ours = get(server, "/data/kpi/U40800/municipality/1480/year/2022").json()
    assert set(ours) == set(real)
    assert list(ours["values"][0]) == list(real["values"][0])
    assert list(ours["values"][0]["values"][0]) == list(real["values"][0]["values"][0])
    kpi = json.loads((recorded / "v3-recorded-2025-10" / "kpi-dd8aaf.json").read_text(encoding="utf-8"))
    assert list(get(server, "/kpi/U40800").json()["values"][0]) == list(kpi["values"][0])


def test_recorded_places_equal_the_served_ones(server: KoladaServer, recorded: Path) -> None:
    real = json.loads((recorded / "v3-recorded-2025-10" / "municipality.json").read_text(encoding="utf-8"))
    assert get(server, "/municipality").json()["values"] == real["values"]


def test_the_synthetic_state_is_full_size_and_repeatable(small: Dataset) -> None:
    from ame_warehouse.sample.synthetic import live_like

    again = live_like(
        Settings(_env_file=None), kpi_ids=("U40800", "U40806", "N01951", "N40011"), years=(2021, 2022)
    )
    assert again == small
    assert len({place for _, place, _ in small.cells}) == 291
    missing = [values[0]["value"] is None for (kpi, _, _), values in small.cells.items() if kpi == "U40800"]
    assert 0.1 < sum(missing) / len(missing) < 0.4
