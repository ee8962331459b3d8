"""Every fault at every request to AF, once and for good: the last good file stays in use, no row is lost."""

from typing import Any

import pytest
from tests.conftest import Cases
from tests.faults.af_bad_days import BAS, ROM, SOK, TID, findings, in_use, rows, run

from ame_warehouse.arbetsformedlingen import http
from ame_warehouse.errors import SourceError
from ame_warehouse.sample.af_server import PAGE
from ame_warehouse.sample.faults import Fault

SLOTS = {
    SOK: "sok_lan_kom",
    TID: "tid_utan_arbete_lan_kom",
    BAS: "andel_av_bas",
    ROM: "rusta_och_matcha/2023-11",
}
KINDS: dict[str, dict[str, Any]] = {
    "reset": {},
    "stall": {"seconds": 3.0},
    "truncate": {},
    "chunk_abort": {},
    "drip": {},
    "html": {},
    "500": {"kind": "status", "status": 500},
    "429": {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
    "404": {"kind": "status", "status": 404},
}
PASSING = [name for name in KINDS if name not in ("drip", "html", "404")]  # those are not asked for again
ROWS = (
    "select dataset, file_sha256, count(*), sum(value), count(distinct fetch_id) "
    "from jobseekers group by all order by all"
)


def impatient(settings: Any, name: str) -> Any:
    """Wait no longer than needed for what never comes; for the others a slow test machine has time."""
    return settings.model_copy(update={"kolada_timeout": 0.5 if name in ("stall", "drip") else 30.0})


@pytest.mark.parametrize("name", KINDS)
def test_a_fault_that_stays(
    *, name: str, settings: Any, server: Any, site: Any, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "WHOLE_SECONDS", 90.0)  # × timeout / 60 = 0.75 s: for the one that drips
    run(settings)
    site.validators = False  # every file is sent again
    before, held = in_use(settings), rows(settings, ROWS)
    details: dict[str, Any] = {"kind": name} | KINDS[name]
    for match in (PAGE, *SLOTS):
        server.faults = [Fault(match=match, **details)]
        if match == PAGE:
            with pytest.raises(SourceError) as fault:
                run(impatient(settings, name))
            assert fault.value.action
        else:
            run(impatient(settings, name))
            after = in_use(settings)
            assert {slot for slot, one in after.items() if one["is_stale"]} == {SLOTS[match]}, (name, match)
            assert findings(settings, "fetch_failed") or findings(settings, "refused_file")
        assert server.faults[0].hits >= 1
        same = {slot: one["file_sha256"] for slot, one in in_use(settings).items()}
        assert same == {slot: one["file_sha256"] for slot, one in before.items()}
        assert rows(settings, ROWS) == held, (name, match)
        cases.add()
    server.faults = []
    run(settings)
    assert not any(one["is_stale"] for one in in_use(settings).values())
    assert rows(settings, ROWS) == held


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes(name: str, settings: Any, server: Any, site: Any, cases: Cases) -> None:
    run(settings)
    site.validators = False
    before, held = in_use(settings), rows(settings, ROWS)
    first, count = len(server.requests) + 1, 1 + len(SLOTS)
    server.faults = [Fault(at=range(first, first + 2 * count, 2), **({"kind": name} | KINDS[name]))]
    fetch, _ = run(impatient(settings, name))
    assert server.faults[0].hits == count, "each request fails once"
    assert fetch["changed"] is False
    assert in_use(settings).keys() == before.keys()
    assert not any(one["is_stale"] for one in in_use(settings).values())
    assert rows(settings, ROWS) == held
    cases.add(count)
