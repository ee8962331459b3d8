"""AF on bad days: every fault leaves the last good files in use, marks them stale and says what came
instead.
"""

import functools

import duckdb

from ame_warehouse.arbetsformedlingen.download import SOURCE
from ame_warehouse.landing.store import fetch_ids, read_fetch
from ame_warehouse.pipeline.ingest_af import fetch_af, parse_af
from ame_warehouse.sample.af_cube import Cube
from ame_warehouse.sample.af_server import fixed, made
from ame_warehouse.sample.af_workbooks import bas_book, rom_book, sok_book, tid_book
from ame_warehouse.sample.af_xlsx import write

SOK, TID = "web-sok-lan-kom", "web-inskrivna-arbetslosa-tid-utan-arbete-lan-kom"
BAS, ROM = "web-inskrivna-arbetslosa-andel-av-bas", "rusta-och-matcha_resultatuppfoljning"
USED = {"sok_lan_kom", "tid_utan_arbete_lan_kom", "andel_av_bas", "rusta_och_matcha"}


@functools.cache
def body(kind: str, month: str, header_row: int = 5) -> bytes:
    cube = Cube("2023-10", month)
    make = {
        SOK: lambda: sok_book(cube),
        TID: lambda: tid_book(cube, header_row),
        BAS: lambda: bas_book(cube, "16–65"),
        ROM: lambda: rom_book(month, 0, True),
    }[kind]
    return made(lambda path: write(path, make()))


def files(month="2023-11", **months):
    names = {"sok": SOK, "tid": TID, "bas": BAS, "rom": ROM}
    chosen = {kind: months.get(short, month) for short, kind in names.items()}
    return {f"{kind}-{one}.xlsx": fixed(body(kind, one)) for kind, one in chosen.items() if one}


def name_of(kind, month="2023-11"):
    return f"{kind}-{month}.xlsx"


def run(settings):
    fetch = fetch_af(settings)
    return fetch, parse_af(settings, fetch["fetch_ids"])


def last(settings):
    return read_fetch(settings.landing, fetch_ids(settings.landing, SOURCE)[-1], SOURCE)


def in_use(settings):
    return {one["slot"]: one for one in last(settings)["files"] if one["file_sha256"]}


def findings(settings, kind=None):
    return [one for one in last(settings)["findings"] if kind in (None, one["kind"])]


def rows(settings, sql):
    root = settings.observations / f"source={SOURCE}"
    with duckdb.connect() as con:
        for name in ("jobseekers", "files", "findings"):
            con.execute(
                f"create view {name} as from read_parquet('{root}/*/{name}.parquet', hive_partitioning=false)"
            )
        return con.execute(sql).fetchall()


def spoiled(settings, outcome, said, dataset="sok_lan_kom"):
    """Run once more; the file of `dataset` must have `outcome`, the old one must be in use and stale, the
    rest as it was.
    """
    before = in_use(settings)
    fetch, _ = run(settings)
    after = in_use(settings)
    one = after[dataset]
    assert one["outcome"] == outcome
    assert one["is_stale"] is True
    assert said in one["error"], one["error"]
    assert one["file_sha256"] == before[dataset]["file_sha256"]
    assert one["content_fetch_id"] == before[dataset]["content_fetch_id"]
    assert {slot for slot, other in after.items() if other["is_stale"]} == {dataset}
    assert fetch["changed"]
    stale = "select outcome, is_stale from files where dataset = 'sok_lan_kom' order by fetch_id desc limit 1"
    assert rows(settings, stale) == [(outcome, True)] or dataset != "sok_lan_kom"
